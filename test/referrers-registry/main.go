// A registry that knows which manifests refer to another one: go-containerregistry's own, in memory. Test program; it ends
// with its standard input.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	quiet := log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	handler := registry.New(registry.Logger(quiet), registry.WithReferrersSupport(true))
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	json.NewEncoder(os.Stdout).Encode(map[string]string{"address": listener.Addr().String()})
	log.Fatal(server.Serve(listener))
}
