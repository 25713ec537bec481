package main

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// No drain takes longer: one that does is ended, and has no exit code.
const deadline = 60 * time.Second

type result struct {
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	// Absent where it was ended before its time.
	ExitCode *int `json:"exitCode,omitempty"`
	// Evictions and deletions that the API server has answered.
	Removals int `json:"removals"`
}

// One run of the command: its output so far, and what it has asked of the API server.
type drainRun struct {
	endsWithRetry bool
	onRetrying    func()
	stopped       chan struct{}

	mutex          sync.Mutex
	stdout, stderr bytes.Buffer
	// Nothing of it counts any more: what it still does is its own goroutines' way to their end.
	isStopped bool
	removals  int
	// Attempts that were answered, by the path of the eviction.
	answered map[string]int
	refused  int
}

func newDrainRun(endsWithRetry bool, onRetrying func()) *drainRun {
	return &drainRun{
		endsWithRetry: endsWithRetry,
		onRetrying:    onRetrying,
		stopped:       make(chan struct{}),
		answered:      map[string]int{},
	}
}

// Returns when the command has ended, retries where it shall not, or is late.
func (d *drainRun) run(shared discovered, args []string) result {
	streams := genericiooptions.IOStreams{
		In:     strings.NewReader(""),
		Out:    &output{d, &d.stdout},
		ErrOut: &output{d, &d.stderr},
	}
	around := func(next http.RoundTripper) http.RoundTripper { return &requests{d, next} }
	ended := make(chan int, 1)
	go func() { ended <- execute(newCommand(shared, streams, around), args) }()
	late := time.NewTimer(deadline)
	defer late.Stop()
	var exitCode *int
	select {
	case code := <-ended:
		exitCode = &code
	case <-d.stopped:
	case <-late.C:
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.isStopped = true
	return result{Stdout: d.stdout.String(), Stderr: d.stderr.String(), ExitCode: exitCode, Removals: d.removals}
}

type output struct {
	drain  *drainRun
	buffer *bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.drain.mutex.Lock()
	defer o.drain.mutex.Unlock()
	if o.drain.isStopped {
		return len(text), nil
	}
	return o.buffer.Write(text)
}

// What goes to the API server and comes back.
type requests struct {
	drain *drainRun
	next  http.RoundTripper
}

var errStopped = errors.New("the drain was stopped")

func (r *requests) RoundTrip(request *http.Request) (*http.Response, error) {
	path := request.URL.Path
	isEviction := request.Method == http.MethodPost && strings.HasSuffix(path, "/eviction")
	if !r.drain.goesOn(path, isEviction) {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, errStopped
	}
	response, err := r.next.RoundTrip(request)
	if err == nil && (isEviction || request.Method == http.MethodDelete) {
		if r.drain.noteAnswer(path, isEviction, response.StatusCode) {
			r.drain.onRetrying()
		}
	}
	return response, err
}

// Whether the request may be sent. Once all pods had an answer to the first attempt and what it means was said, more
// attempts tell nothing new.
func (d *drainRun) goesOn(path string, isEviction bool) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.isStopped {
		return false
	}
	if !d.endsWithRetry || !isEviction || d.answered[path] == 0 || !d.hasSaidAll() {
		return true
	}
	d.isStopped = true
	close(d.stopped)
	return false
}

var evicting = regexp.MustCompile(`(?m)^evicting pod \S+`)

func (d *drainRun) hasSaidAll() bool {
	begun := map[string]bool{}
	for _, line := range evicting.FindAllString(d.stdout.String(), -1) {
		begun[line] = true
	}
	return len(begun) == len(d.answered) && strings.Count(d.stderr.String(), "(will retry after ") == d.refused
}

// Whether it is the first refusal.
func (d *drainRun) noteAnswer(path string, isEviction bool, status int) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.isStopped {
		return false
	}
	d.removals++
	if !isEviction {
		return false
	}
	d.answered[path]++
	if status != http.StatusTooManyRequests {
		return false
	}
	d.refused++
	return d.refused == 1
}
