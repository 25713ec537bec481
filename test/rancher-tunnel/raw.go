package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// What a proxy does not do: opens connections, writes the request's body into each, and then closes it unread or reads
// what comes until the other side ends it. Query: connections, hold (until held says to go on), read.
func raw(dial func(context.Context) (net.Conn, error), held <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		query := request.URL.Query()
		number := func(name string) int {
			value, _ := strconv.Atoi(query.Get(name))
			return value
		}
		bytes, err := io.ReadAll(request.Body)
		answers := []answer{}
		for range max(1, number("connections")) {
			if err == nil {
				var one answer
				next := held
				if !query.Has("hold") {
					next = nil
				}
				one, err = talk(request.Context(), dial, bytes, next, query.Has("read"))
				answers = append(answers, one)
			}
		}
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadGateway)
			return
		}
		json.NewEncoder(writer).Encode(answers)
	})
}

type answer struct {
	Bytes  int64  `json:"bytes"`
	Sha256 string `json:"sha256"`
	Begin  string `json:"begin"`
	Millis int64  `json:"millis"`
	End    string `json:"end"`
}

func talk(ctx context.Context, dial func(context.Context) (net.Conn, error), bytes []byte, held <-chan struct{}, read bool) (answer, error) {
	connection, err := dial(ctx)
	if err != nil {
		return answer{}, err
	}
	defer connection.Close()
	began := time.Now()
	if len(bytes) > 0 {
		if _, err := connection.Write(bytes); err != nil {
			return answer{}, err
		}
	}
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return answer{}, ctx.Err()
		}
	}
	if !read {
		return answer{End: "left"}, nil
	}
	hash, begin := sha256.New(), &beginning{}
	count, err := io.Copy(io.MultiWriter(hash, begin), connection)
	end := "EOF"
	if err != nil {
		end = err.Error()
	}
	return answer{count, hex.EncodeToString(hash.Sum(nil)), string(begin.bytes), time.Since(began).Milliseconds(), end}, nil
}

type beginning struct{ bytes []byte }

func (b *beginning) Write(bytes []byte) (int, error) {
	b.bytes = append(b.bytes, bytes[:min(len(bytes), 200-len(b.bytes))]...)
	return len(bytes), nil
}
