package store

import (
	"os"
	"runtime"
)

// gatherer lets everybody who has something to write come to the queue, before
// the next batch is taken from it.
//
// SQLite writes and flushes in system calls that the Go scheduler takes for short
// ones: with one processor nothing else runs meanwhile, not even a look at the
// network. Requests that have long arrived would not be read before the leader
// parks, which is when it waits for its own next one, so that each of any number
// of callers would get a commit, and a flush to disk, of its own.
type gatherer struct {
	poke *os.File
	back chan struct{}
}

func newGatherer() (*gatherer, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	g := &gatherer{poke: in, back: make(chan struct{}, 1)}
	go func() {
		defer func() {
			_ = out.Close()
			close(g.back)
		}()
		var b [1]byte
		for {
			if _, err := out.Read(b[:]); err != nil { // closed
				return
			}
			g.back <- struct{}{}
		}
	}()
	return g, nil
}

// gather runs whoever can run. The pipe is readable for those only who look at the
// network, and whoever looks sees all that has arrived; then all of it has its turn.
func (g *gatherer) gather() {
	if _, err := g.poke.Write([]byte{0}); err != nil {
		return
	}
	<-g.back
	runtime.Gosched()
}

func (g *gatherer) close() error {
	err := g.poke.Close()
	<-g.back
	return err
}
