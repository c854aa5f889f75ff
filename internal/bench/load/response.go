package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	readBuffer = 16 << 10 // also the longest header line that is accepted
	maxBody    = 64 << 20 // a longer body is taken for a mistake
)

// responseReader reads HTTP/1.1 responses one after another from one
// connection. It knows just enough of the protocol to stay in step and to tell
// status and body; everything else in the head is skipped unread.
type responseReader struct {
	in   *bufio.Reader
	body []byte // reused from response to response
}

func newResponseReader(r io.Reader) *responseReader {
	return &responseReader{in: bufio.NewReaderSize(r, readBuffer)}
}

// next reads one response. The body is valid until the next call. A body that
// ends with the connection is refused: the load generator keeps connections.
func (r *responseReader) next() (status int, body []byte, err error) {
	line, err := r.line()
	if err != nil {
		return 0, nil, err
	}
	if status, err = parseStatus(line); err != nil {
		return 0, nil, err
	}
	length, chunked, err := r.head()
	if err != nil {
		return status, nil, err
	}
	r.body = r.body[:0]
	switch {
	case status == 204 || status == 304:
	case chunked:
		err = r.readChunks()
	case length >= 0:
		err = r.readBody(length)
	default:
		err = errors.New("response has neither Content-Length nor chunked encoding")
	}
	return status, r.body, err
}

// head reads the header lines up to the empty one. A length of -1 means that
// none was given.
func (r *responseReader) head() (length int, chunked bool, err error) {
	length = -1
	for {
		line, err := r.line()
		if err != nil {
			return 0, false, err
		}
		if len(line) == 0 {
			return length, chunked, nil
		}
		// Looking at the first letter saves splitting every line.
		switch line[0] | 0x20 {
		case 'c':
			if value, ok := headerValue(line, "Content-Length"); ok {
				if length, err = parseLength(value, 10); err != nil {
					return 0, false, err
				}
			}
		case 't':
			if value, ok := headerValue(line, "Transfer-Encoding"); ok {
				if !bytes.EqualFold(value, []byte("chunked")) {
					return 0, false, fmt.Errorf("transfer encoding %q is not supported", value)
				}
				chunked = true
			}
		}
	}
}

func (r *responseReader) readChunks() error {
	for {
		line, err := r.line()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";")) // chunk extensions are ignored
		n, err := parseLength(bytes.TrimSpace(size), 16)
		if err != nil {
			return err
		}
		if n == 0 {
			return r.skipTrailers()
		}
		if err := r.readBody(n); err != nil {
			return err
		}
		if line, err = r.line(); err != nil {
			return err
		}
		if len(line) != 0 {
			return errors.New("chunk is longer than its size")
		}
	}
}

func (r *responseReader) skipTrailers() error {
	for {
		line, err := r.line()
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// readBody appends n bytes to the body.
func (r *responseReader) readBody(n int) error {
	start := len(r.body)
	if start+n > maxBody {
		return fmt.Errorf("body is longer than %d bytes", maxBody)
	}
	if need := start + n; need > cap(r.body) {
		r.body = append(make([]byte, 0, 2*need), r.body...)
	}
	r.body = r.body[:start+n]
	if _, err := io.ReadFull(r.in, r.body[start:]); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	return nil
}

// line reads one line and returns it without its line end. It is valid until
// the next read.
func (r *responseReader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	line = line[:len(line)-1]
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// parseStatus takes the code out of "HTTP/1.1 200 OK".
func parseStatus(line []byte) (int, error) {
	const prefix = "HTTP/1.1 "
	if len(line) < len(prefix)+3 || string(line[:len(prefix)]) != prefix {
		return 0, fmt.Errorf("%q is not an HTTP/1.1 status line", line)
	}
	status, err := strconv.Atoi(string(line[len(prefix) : len(prefix)+3]))
	if err != nil || status < 100 {
		return 0, fmt.Errorf("%q is not an HTTP/1.1 status line", line)
	}
	return status, nil
}

func headerValue(line []byte, name string) ([]byte, bool) {
	key, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !bytes.EqualFold(key, []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(value), true
}

func parseLength(value []byte, base int) (int, error) {
	n, err := strconv.ParseUint(string(value), base, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a length", value)
	}
	return int(n), nil
}
