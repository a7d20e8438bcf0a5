package session

import (
	"io"
	"net/http"
	"sync"
)

// bodyRecorder records a request's body as it is read, never ahead, so that another run
// of the handler can read it from the beginning.
type bodyRecorder struct {
	src   io.ReadCloser
	limit int

	reading sync.Mutex // held while src is read, which may take long

	mu      sync.Mutex
	kept    []byte // the beginning of src
	over    bool   // more than limit was read; kept is nil
	end     error  // the error that src has ended with
	current *replayBody
	closed  bool
}

// replayBody is the request body of one run.
type replayBody struct {
	recorder *bodyRecorder
	at       int // in recorder.kept
	done     bool
}

// rewind returns a body that begins at the beginning, and ends the one of the previous
// run.
func (t *bodyRecorder) rewind() io.ReadCloser {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = &replayBody{recorder: t}
	return t.current
}

// overrun reports whether more was read than can be kept.
func (t *bodyRecorder) overrun() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// close closes src if any run has closed its body.
func (t *bodyRecorder) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = nil
	if t.closed {
		_ = t.src.Close()
	}
}

// Read implements io.Reader.
func (p *replayBody) Read(b []byte) (int, error) {
	t := p.recorder
	t.reading.Lock() // also waits for a run that was discarded while it read
	defer t.reading.Unlock()
	if n, err, replayed := p.replay(b); replayed {
		return n, err
	}
	n, err := t.src.Read(b)
	t.record(b[:n], err)
	p.at += n
	return n, err
}

// replay reads recorded data, if any is left.
func (p *replayBody) replay(b []byte) (n int, err error, replayed bool) {
	t := p.recorder
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case p.done || t.current != p:
		return 0, http.ErrBodyReadAfterClose, true
	case p.at < len(t.kept):
		n = copy(b, t.kept[p.at:])
		p.at += n
		return n, nil, true
	default:
		return 0, t.end, t.end != nil
	}
}

func (t *bodyRecorder) record(b []byte, end error) {
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
func (p *replayBody) Close() error {
	p.recorder.mu.Lock()
	defer p.recorder.mu.Unlock()
	p.done, p.recorder.closed = true, true
	return nil
}
