"""Sources turn bytes into events: ``feed(bytes)`` yields what is known so far, ``end()`` the rest."""
