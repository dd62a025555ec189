"""Bytes in: from files, folders, compressed files and standard input. Nothing here parses what it reads."""
