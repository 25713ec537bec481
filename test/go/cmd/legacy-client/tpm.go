package main

import (
	"errors"
	"fmt"

	"github.com/google/go-attestation/attest"

	"rancheros.local/test/go/internal/device"
	"rancheros.local/test/go/internal/wire"
)

// The original opens the TPM anew for each of the three things that it does with it, and so does this.

func withTPM[T any](address string, use func(*attest.TPM) (T, error)) (T, error) {
	tpm, err := device.Open(address)
	if err != nil {
		var none T
		return none, err
	}
	defer tpm.Close()
	return use(tpm)
}

func readEK(tpm *attest.TPM) (*attest.EK, error) {
	eks, err := tpm.EKs()
	if err != nil {
		return nil, err
	}
	if len(eks) == 0 {
		return nil, errors.New("failed to find EK")
	}
	return &eks[0], nil
}

func ekHash(address string) (string, error) {
	return withTPM(address, func(tpm *attest.TPM) (string, error) {
		ek, err := readEK(tpm)
		if err != nil {
			return "", err
		}
		return wire.HashEK(ek)
	})
}

// identity is what a session needs between its steps.
type identity struct {
	authorization string
	// ak is the new attestation key, wrapped by the TPM, to be loaded again.
	ak []byte
}

func makeIdentity(address string) (*identity, error) {
	return withTPM(address, func(tpm *attest.TPM) (*identity, error) {
		ek, err := readEK(tpm)
		if err != nil {
			return nil, err
		}
		pem, err := wire.EncodeEK(ek)
		if err != nil {
			return nil, err
		}
		ak, err := tpm.NewAK(nil)
		if err != nil {
			return nil, fmt.Errorf("making an attestation key: %w", err)
		}
		// A resource manager would remove it by itself.
		defer ak.Close(tpm)
		parameters := ak.AttestationParameters()
		authorization, err := wire.Authorization(&wire.AttestationData{EK: pem, AK: &parameters})
		if err != nil {
			return nil, err
		}
		blob, err := ak.Marshal()
		return &identity{authorization: authorization, ak: blob}, err
	})
}

func activate(address string, blob []byte, credential *attest.EncryptedCredential) ([]byte, error) {
	return withTPM(address, func(tpm *attest.TPM) ([]byte, error) {
		ak, err := tpm.LoadAK(blob)
		if err != nil {
			return nil, err
		}
		defer ak.Close(tpm)
		secret, err := ak.ActivateCredential(tpm, *credential)
		if err != nil {
			return nil, fmt.Errorf("failed to activate credential: %w", err)
		}
		return secret, nil
	})
}
