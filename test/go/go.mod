module rancheros.local/test/go

go 1.26.0

// The originals were built with Go 1.17: what TLS, X.509 and HTTP did by themselves then, as far as the toolchain still offers it.
godebug default=go1.20

// The versions that rancher/os2 pins, the original operator and installer; their rancherd is of the same weeks.
require (
	github.com/google/certificate-transparency-go v1.1.2
	github.com/google/go-attestation v0.3.2
	github.com/gorilla/websocket v1.4.2
)

require (
	github.com/google/go-tpm v0.3.2 // indirect
	github.com/google/go-tspi v0.2.1-0.20190423175329-115dea689aad // indirect
	golang.org/x/crypto v0.0.0-20210314154223-e6e6c4f2bb5b // indirect
	golang.org/x/sys v0.0.0-20210806184541-e5e7981a1069 // indirect
)
