// legacy-server is the part of the original operator that machines talk to, on the same libraries in the same versions,
// written from what the original says on the wire. It keeps machines in memory and tells what it sees as lines of JSON.
//
//	legacy-server --registration TOKEN [--listen 127.0.0.1:0] [--cert FILE --key FILE] [--ca FILE]
//	              [--config FILE] [--inventory FILE] [--token SECRET] [--mode MODE]
//
// MODE, what goes wrong after the upgrade:
//
//	ok                 nothing; the original ends also this session without a close frame
//	wrong-secret       the right answer is taken for a wrong one; the original then leaves the connection open
//	dropped            the connection ends after the answer, without a word
//	silent             no challenge comes
//	no-config          nothing comes after the right answer
//	nonsense           the challenge is no JSON
//	nonsense-config    the configuration is no JSON, as where the original's inventory says "cluster not assigned"
//	foreign-challenge  the challenge is for another TPM
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
)

var modes = []string{
	"ok", "wrong-secret", "dropped", "silent", "no-config", "nonsense", "nonsense-config", "foreign-challenge",
}

type options struct {
	listen, cert, key, ca, config, inventory, token, registration, mode string
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "legacy-server: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var o options
	flags := flag.NewFlagSet("legacy-server", flag.ContinueOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to listen at")
	flags.StringVar(&o.cert, "cert", "", "file with the serving certificate; plain HTTP without")
	flags.StringVar(&o.key, "key", "", "file with its key")
	flags.StringVar(&o.ca, "ca", "", "file with the CA to hand out")
	flags.StringVar(&o.config, "config", "", "file with the cloud-config as JSON")
	flags.StringVar(&o.inventory, "inventory", "", "file with role, labels, taints and so on as JSON")
	flags.StringVar(&o.token, "token", "", "shared secret of the one machine that has one")
	flags.StringVar(&o.registration, "registration", "", "registration token")
	flags.StringVar(&o.mode, "mode", "ok", "what goes wrong")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !slices.Contains(modes, o.mode) {
		return fmt.Errorf("unknown mode %q, known: %v", o.mode, modes)
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	scheme := "http"
	if o.cert != "" {
		certificate, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return err
		}
		// Without h2, on which there is no upgrade; as behind Rancher.
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})
		scheme = "https"
	}
	url := scheme + "://" + listener.Addr().String()
	tell("listening", map[string]any{"url": url})
	return http.Serve(listener, newServer(&o, url))
}

var telling sync.Mutex

// tell writes one line for who started this program.
func tell(event string, facts map[string]any) {
	facts["event"] = event
	telling.Lock()
	defer telling.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(facts)
}
