package session

import (
	"io"
	"net/http"
	"sync"
)

// tape records a request's body as it is read, never ahead, so that another run
// of the handler can read it from its beginning.
type tape struct {
	src   io.ReadCloser
	limit int

	reading sync.Mutex // held while src is read, which may take long

	mu     sync.Mutex
	kept   []byte // the beginning of src
	over   bool   // more than limit was read; kept is gone
	end    error  // what src has ended with
	player *player
	closed bool
}

// player is the body of one run's request.
type player struct {
	tape *tape
	at   int // in tape.kept
	done bool
}

// rewind returns a body that begins at the beginning, in place of the one of
// the run before.
func (t *tape) rewind() io.ReadCloser {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.player = &player{tape: t}
	return t.player
}

// overrun reports whether the beginning was too long to be kept.
func (t *tape) overrun() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// close closes src if any run has closed its body.
func (t *tape) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.player = nil
	if t.closed {
		_ = t.src.Close()
	}
}

// Read implements io.Reader.
func (p *player) Read(b []byte) (int, error) {
	t := p.tape
	t.reading.Lock() // also behind a run that was discarded while it read
	defer t.reading.Unlock()
	if n, err, played := p.play(b); played {
		return n, err
	}
	n, err := t.src.Read(b)
	t.record(b[:n], err)
	p.at += n
	return n, err
}

// play reads what was recorded, if there is more of that.
func (p *player) play(b []byte) (n int, err error, played bool) {
	t := p.tape
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case p.done || t.player != p:
		return 0, http.ErrBodyReadAfterClose, true
	case p.at < len(t.kept):
		n = copy(b, t.kept[p.at:])
		p.at += n
		return n, nil, true
	default:
		return 0, t.end, t.end != nil
	}
}

func (t *tape) record(b []byte, end error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = end
	if t.over || len(t.kept)+len(b) > t.limit {
		t.over, t.kept = true, nil
		return
	}
	t.kept = append(t.kept, b...)
}

// Close implements io.Closer. The source stays open for another run.
func (p *player) Close() error {
	p.tape.mu.Lock()
	defer p.tape.mu.Unlock()
	p.done, p.tape.closed = true, true
	return nil
}
