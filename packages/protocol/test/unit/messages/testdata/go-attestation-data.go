// Prints what rancherd's message structures become in Go: go run go-attestation-data.go > go-attestation-data.txt
// The field names are those of rancherd's AttestationData and of go-attestation's AttestationParameters.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"runtime"
)

type attestationParameters struct {
	Public                  []byte
	UseTCSDActivationFormat bool
	CreateData              []byte
	CreateAttestation       []byte
	CreateSignature         []byte
}

type attestationData struct {
	EK []byte
	AK *attestationParameters
}

func header(data attestationData) string {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return "Bearer TPM" + base64.StdEncoding.EncodeToString(text)
}

func main() {
	spki := make([]byte, 91)
	for i := range spki {
		spki[i] = byte(i)
	}
	ak := &attestationParameters{
		Public:            []byte{0xff, 0xfe, 0xfd},
		CreateData:        []byte{0},
		CreateAttestation: []byte{0xfb, 0xef, 0xbe},
		CreateSignature:   []byte{1, 2},
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bytes.Repeat([]byte{0x30}, 48)})
	fmt.Println("origin: printed by go-attestation-data.go beside this file,", runtime.Version())
	fmt.Println("public-key:", header(attestationData{key, ak}))
	fmt.Println("certificate:", header(attestationData{certificate, ak}))
	fmt.Println("nil:", header(attestationData{nil, &attestationParameters{}}))
}
