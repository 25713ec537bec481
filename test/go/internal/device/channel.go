// Package device opens a software TPM in the place of /dev/tpmrm0.
package device

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/google/go-attestation/attest"
)

const (
	dialTimeout = 10 * time.Second
	// commandTimeout bounds one TPM command; making an RSA key takes swtpm up to some seconds.
	commandTimeout = 60 * time.Second
	headerBytes    = 10
	// responseLimit is what go-tpm reads at most.
	responseLimit = 4096

	// responseRetry is TPM_RC_RETRY; the delays are those of Linux (drivers/char/tpm/tpm-interface.c).
	responseRetry   = 0x922
	firstRetryDelay = 20 * time.Millisecond
	lastRetryDelay  = 2 * time.Second
)

// Open connects to the data port of swtpm, where commands and responses go as they are.
func Open(address string) (*attest.TPM, error) {
	connection, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return nil, fmt.Errorf("opening the TPM: %w", err)
	}
	return attest.OpenTPM(&attest.OpenConfig{
		TPMVersion:     attest.TPMVersion20,
		CommandChannel: &channel{Conn: connection},
	})
}

// channel behaves like a device node: one read gives one whole response, which TCP by itself does not promise, and a
// command that the TPM wants to be given again is given again, which the kernel does for whoever opens the device.
type channel struct {
	net.Conn
	command []byte
}

func (c *channel) Write(command []byte) (int, error) {
	c.command = command
	if err := c.SetDeadline(time.Now().Add(commandTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(command)
}

func (c *channel) Read(response []byte) (int, error) {
	for delay := firstRetryDelay; ; delay *= 2 {
		size, err := c.readResponse(response)
		if err != nil || binary.BigEndian.Uint32(response[6:10]) != responseRetry || delay > lastRetryDelay {
			return size, err
		}
		time.Sleep(delay)
		if _, err := c.Write(c.command); err != nil {
			return 0, err
		}
	}
}

func (c *channel) readResponse(response []byte) (int, error) {
	if len(response) < headerBytes {
		return 0, io.ErrShortBuffer
	}
	if _, err := io.ReadFull(c.Conn, response[:headerBytes]); err != nil {
		return 0, err
	}
	// Tag in two bytes, size of the whole in four, response code in four.
	size := int(binary.BigEndian.Uint32(response[2:6]))
	if size < headerBytes || size > responseLimit || size > len(response) {
		return 0, fmt.Errorf("a TPM response of %d bytes", size)
	}
	_, err := io.ReadFull(c.Conn, response[headerBytes:size])
	return size, err
}

// MeasurementLog is part of the interface; registrations have no use for one.
func (c *channel) MeasurementLog() ([]byte, error) {
	return nil, errors.New("no measurement log")
}
