// legacy-client is a machine as rancherd and the os2 installer are one: the same libraries in the same versions, written
// from what those programs do and say. It opens a software TPM, since the originals want /dev/tpmrm0.
//
//	legacy-client hash      --tpm HOST:PORT
//	legacy-client register  URL    --tpm HOST:PORT [--ca FILE] [--smbios FILE] [--show-close]
//	legacy-client cacerts   SERVER [--tpm HOST:PORT] --token TOKEN
//	legacy-client inventory SERVER [--tpm HOST:PORT] --token TOKEN
//
// TOKEN is a shared secret, or tpm:// for the TPM. What was asked for goes to standard output, remarks to standard error.
package main

import (
	"flag"
	"fmt"
	"os"
)

type options struct {
	tpm       string
	ca        string
	smbios    string
	token     string
	showClose bool
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "legacy-client: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("which of hash, register, cacerts, inventory?")
	}
	command, args := args[0], args[1:]
	var target string
	if command != "hash" {
		if len(args) == 0 {
			return fmt.Errorf("%s needs a URL", command)
		}
		target, args = args[0], args[1:]
	}
	options, err := parseOptions(command, args)
	if err != nil {
		return err
	}
	answer, err := do(command, target, options)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(answer)
	return err
}

func parseOptions(command string, args []string) (*options, error) {
	var o options
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.StringVar(&o.tpm, "tpm", "", "data port of swtpm")
	flags.StringVar(&o.ca, "ca", "", "file with the CA to trust, and no other")
	flags.StringVar(&o.smbios, "smbios", "", "file with the dmidecode tree as JSON")
	flags.StringVar(&o.token, "token", "", "shared secret, or tpm://")
	flags.BoolVar(&o.showClose, "show-close", false, "read on and remark how the server ends the session")
	return &o, flags.Parse(args)
}

func do(command, target string, o *options) ([]byte, error) {
	switch command {
	case "hash":
		hash, err := ekHash(o.tpm)
		return []byte(hash + "\n"), err
	case "register":
		return register(target, o)
	case "cacerts":
		ca, err := fetchCA(target, o)
		return ca, err
	case "inventory":
		return remoteConfig(target, o)
	default:
		return nil, fmt.Errorf("unknown command %q", command)
	}
}
