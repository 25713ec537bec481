// Rancher as far as a tunnel's other end sees it: the real remotedialer server, and a proxy that leads every request
// through the tunnel. Test program; it ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"time"

	"github.com/rancher/remotedialer"
	"github.com/sirupsen/logrus"
)

const client = "stv-cluster-operator"

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	token := flag.String("token", "", "what the tunnel's client shows")
	folder := flag.String("tls", "", "folder with tls.crt and tls.key, made where they are missing; no TLS where empty")
	flag.Parse()
	logrus.SetOutput(io.Discard)

	dialer := remotedialer.New(func(request *http.Request) (string, bool, error) {
		return client, request.Header.Get("Authorization") == "Bearer "+*token, nil
	}, remotedialer.DefaultErrorWriter)
	dial := func(ctx context.Context) (net.Conn, error) {
		if !dialer.HasSession(client) {
			return nil, errors.New("there is no tunnel")
		}
		return dialer.Dialer(client)(ctx, "tcp", "not.used:80")
	}

	mux := http.NewServeMux()
	mux.Handle("/connect", dialer)
	mux.HandleFunc("/-/tunnel", func(writer http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(writer).Encode(map[string]bool{"open": dialer.HasSession(client)})
	})
	held := make(chan struct{})
	mux.Handle("/-/raw", raw(dial, held))
	mux.HandleFunc("/-/go", func(_ http.ResponseWriter, request *http.Request) {
		select {
		case held <- struct{}{}:
		case <-request.Context().Done():
		}
	})
	mux.Handle("/", proxy(dial))

	certificate, key, err := certificateIn(*folder)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	json.NewEncoder(os.Stdout).Encode(map[string]string{"address": listener.Addr().String()})
	// What tests do to it on purpose is nobody's news.
	log.SetOutput(io.Discard)
	if *folder == "" {
		log.Fatal(server.Serve(listener))
	}
	log.Fatal(server.ServeTLS(listener, certificate, key))
}

// As Rancher's own: with the headers of whom it took the caller for.
func proxy(dial func(context.Context) (net.Conn, error)) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.Out.URL.Scheme = "http"
			request.Out.URL.Host = "not.used"
			request.Out.Header.Set("Impersonate-User", "system:unauthenticated")
			request.SetXForwarded()
		},
		Transport: &http.Transport{
			DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			MaxIdleConnsPerHost:   32,
			IdleConnTimeout:       time.Minute,
			ResponseHeaderTimeout: time.Minute,
		},
	}
}
