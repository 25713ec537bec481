// legacy-operator does what the original operator does for a machine that registers, on the libraries that it is made
// of: go-attestation, gorilla/websocket, and client-go with caches that are looked up by index. It is no copy of it, and
// lacks whatever registrations do not need: Rancher's settings, its tunnel, its other kinds, and its logging. So it costs
// no more than the original does, but for what newer versions of Go and client-go changed. Measurements set it beside
// our operator.
//
//	legacy-operator --kubeconfig FILE --namespace NAMESPACE --server-url URL [--listen 127.0.0.1:0]
//
// It tells where it listens as one line of JSON once its caches are filled. MachineRegistrations are found by
// status.registrationToken, which somebody else writes.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

const (
	// requestTimeout is wrangler's, for one request to the API server.
	requestTimeout = 15 * time.Minute
	// headerTimeout ends connections on which no request comes.
	headerTimeout = 10 * time.Second
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "legacy-operator: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("legacy-operator", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "file that says where the API server is")
	namespace := flags.String("namespace", "", "the only namespace that is served")
	serverURL := flags.String("server-url", "", "what machines are told as rancherd.server")
	listen := flags.String("listen", "127.0.0.1:0", "address to listen at, without TLS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	// wrangler, which the original is built on, turns client-go's own limit of five requests a second off.
	config.QPS = -1
	config.Timeout = requestTimeout
	cluster, err := openCluster(config, *namespace)
	if err != nil {
		return err
	}
	if err := cluster.fill(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"event": "listening", "url": url}); err != nil {
		return err
	}
	server := http.Server{
		Handler:           &registrar{cluster: cluster, serverURL: *serverURL},
		ReadHeaderTimeout: headerTimeout,
	}
	return server.Serve(listener)
}
