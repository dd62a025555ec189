"""The air beside reality: situations recorded between hostapd and wpa_supplicant are played again and compared.

What is put in is what was done in the lab: settings of access point and station, the moments of commands, what the
upper layers had to send. What comes out, the management frames, handshakes, polls, their acknowledgements, reasons and
times, is told as a story; two stories are compared. The reader here is the only one and reads both: it shares nothing
with diagnose and its kernel but the numbers in ``formats``.
"""
