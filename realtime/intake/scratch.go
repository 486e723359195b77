package intake

import (
	"bytes"
	"sync"

	"github.com/tidewire/tidewire/realtime"
)

// maxScratch is the longest buffer that is kept for the next request.
const maxScratch = 256 << 10

// scratch is the memory one request needs. It is used again, because nothing
// refers to it once Publisher.Publish has returned.
type scratch struct {
	body   bytes.Buffer
	pubs   []realtime.Publication // what their Data refers to is in body
	answer []byte
}

type scratchPool struct{ pool sync.Pool }

func (p *scratchPool) get() *scratch {
	if s, ok := p.pool.Get().(*scratch); ok {
		return s
	}
	return &scratch{}
}

func (p *scratchPool) put(s *scratch) {
	if s.body.Cap() > maxScratch || cap(s.answer) > maxScratch {
		return
	}
	s.body.Reset()
	clear(s.pubs)
	s.pubs = s.pubs[:0]
	p.pool.Put(s)
}
