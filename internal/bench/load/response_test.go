package load

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestResponseReader(t *testing.T) {
	for name, c := range map[string]struct {
		input  string
		status int
		body   string
	}{
		"length":            {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		"length, odd case":  {"HTTP/1.1 200 OK\r\nCONTENT-length:5\r\n\r\nhello", 200, "hello"},
		"other headers":     {"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nTrailer: X\r\nContent-Length: 0\r\n\r\n", 201, ""},
		"no reason":         {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""},
		"no content":        {"HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n", 204, ""},
		"bare line feeds":   {"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", 200, "ab"},
		"chunked":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, my world\r\n0\r\n\r\n", 200, "hello, my world"},
		"chunked, trailers": {"HTTP/1.1 404 Not Found\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n", 404, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			// Twice, in single bytes: the reader must stay in step.
			r := newResponseReader(iotest.OneByteReader(strings.NewReader(c.input + c.input)))
			for range 2 {
				status, body, err := r.next()
				if err != nil || status != c.status || string(body) != c.body {
					t.Fatalf("status %d, body %q, error %v", status, body, err)
				}
			}
			if _, _, err := r.next(); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		})
	}
}

func TestResponseReader_Refuses(t *testing.T) {
	for name, input := range map[string]string{
		"not HTTP":             "hello\r\n\r\n",
		"HTTP/1.0":             "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"status of letters":    "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
		"negative status":      "HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n",
		"body without length":  "HTTP/1.1 200 OK\r\n\r\nhello",
		"negative length":      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"length of letters":    "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
		"length over limit":    "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
		"body cut short":       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		"head cut short":       "HTTP/1.1 200 OK\r\nContent-Le",
		"other encoding":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"chunk size missing":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
		"chunk longer":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		"chunks without end":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
		"trailers without end": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n",
		"endless line":         "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", readBuffer),
	} {
		t.Run(name, func(t *testing.T) {
			if _, body, err := newResponseReader(strings.NewReader(input)).next(); err == nil {
				t.Errorf("accepted with body %q", body)
			}
		})
	}
}

func TestResponseReader_LargeBody(t *testing.T) {
	want := strings.Repeat("0123456789abcdef", 10*readBuffer/16)
	var wire bytes.Buffer
	for range 2 {
		r := http.Response{
			StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1,
			Body: io.NopCloser(strings.NewReader(want)), TransferEncoding: []string{"chunked"},
		}
		if err := r.Write(&wire); err != nil {
			t.Fatal(err)
		}
	}
	r := newResponseReader(&wire)
	for range 2 {
		if status, body, err := r.next(); err != nil || status != 200 || string(body) != want {
			t.Fatalf("status %d, %d bytes, error %v", status, len(body), err)
		}
	}
}

// FuzzResponseReader compares with net/http: what both accept must be the same.
func FuzzResponseReader(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: 1\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		status, body, err := newResponseReader(bytes.NewReader(input)).next()
		if err != nil {
			return
		}
		want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(input)), nil)
		if err != nil {
			return // net/http knows many more rules
		}
		defer want.Body.Close()
		wantBody, err := io.ReadAll(want.Body)
		if err != nil {
			return
		}
		if status != want.StatusCode || !bytes.Equal(body, wantBody) {
			t.Errorf("%d %q, net/http reads %d %q", status, body, want.StatusCode, wantBody)
		}
	})
}
