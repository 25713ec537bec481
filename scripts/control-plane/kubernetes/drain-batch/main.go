// Command drain-batch runs kubectl's own drain command as often as it is asked to, in one process: a process each takes a tenth of
// a second of CPU, most of it before the first request.
//
// It reads one JSON object a line from its standard input (type order), starts each at once, and writes one or two a line to its
// standard output (type word), as they come. It asks the cluster of KUBECONFIG, and ends with its standard input.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

type order struct {
	ID int `json:"id"`
	// As behind "kubectl": drain NODE ...
	Args []string `json:"args"`
	// Ends the drain when it begins to try an eviction again, as one without a timeout does for ever.
	EndsWithRetry bool `json:"endsWithRetry"`
}

type word struct {
	ID int `json:"id"`
	// The first of its evictions was refused for now: from here on it sleeps most of the time. More will come of it.
	IsRetrying bool    `json:"isRetrying,omitempty"`
	Result     *result `json:"result,omitempty"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "drain-batch: %v\n", err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	shared, err := discoverOnce()
	if err != nil {
		return fmt.Errorf("the cluster of KUBECONFIG: %w", err)
	}
	var mutex sync.Mutex
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	say := func(one word) {
		mutex.Lock()
		defer mutex.Unlock()
		if err := encoder.Encode(one); err != nil {
			// Nobody listens any more.
			os.Exit(1)
		}
	}
	orders := json.NewDecoder(bufio.NewReader(in))
	for {
		var one order
		if err := orders.Decode(&one); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("not an order: %w", err)
		}
		go func() {
			drain := newDrainRun(one.EndsWithRetry, func() { say(word{ID: one.ID, IsRetrying: true}) })
			ended := drain.run(shared, one.Args)
			say(word{ID: one.ID, Result: &ended})
		}()
	}
}
