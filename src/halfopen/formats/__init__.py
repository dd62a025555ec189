"""What is written on disk and on the wire: log lines, pcap and pcapng, packets. Read and written here."""
