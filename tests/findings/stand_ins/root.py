# What a root certificate is for a trial: self-signed, for device.test, its key thrown away.
import binascii

ROOT = binascii.a2b_base64(
    "MIIBnDCCAUGgAwIBAgIUWUCoxBiRGiwzvLvIRpCmq+HvYuEwCgYIKoZIzj0EAwIwFjEUMBIGA1UEAwwLZGV2aWNlLnRlc3Qw"
    "IBcNMjYxMTIyMTAwNTEzWhgPMjEyNjEwMjkxMDA1MTNaMBYxFDASBgNVBAMMC2RldmljZS50ZXN0MFkwEwYHKoZIzj0CAQYI"
    "KoZIzj0DAQcDQgAEA4s+s8rDNvnRYe9g4wK6SDSg6ke8qrsW2TfL0JG76ZND+77nd6RU8Om6sv0m/pVxT9Jhgil/9iQKATNR"
    "VdHxAqNrMGkwHQYDVR0OBBYEFEByhNZ1R8ZwgSfnL/ZhOX/PvfRxMB8GA1UdIwQYMBaAFEByhNZ1R8ZwgSfnL/ZhOX/PvfRx"
    "MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILZGV2aWNlLnRlc3QwCgYIKoZIzj0EAwIDSQAwRgIhAJ9emOZ8T+g9HT4P"
    "WcS3FdtbEtkppWPhbEZ4HVV07FxdAiEA4U97dcbQzmwnPg94Bn1MriUeyGU2jqU3g4vujbxDykA="
)
