package memory

import (
	"sort"

	"github.com/tidewire/tidewire/realtime"
)

// The bounds of a chunk. It is also the unit of eviction, so it is small
// against a topic's share of memory and of time.
const (
	chunkMessages = 256
	firstChunk    = 8 // a topic that says little costs little
	chunksPerLog  = 8 // at least, when the log is full or of full age
)

// log holds a topic's messages in the order of publishing; times never
// decrease. A message has an index that never changes. log is not safe for
// concurrent use, but what read returned stays valid without the lock.
type log struct {
	chunks  []*chunk
	next    uint64 // index of the message to come
	bytes   int
	trimmed int64 // Time of the newest message that was let go, ms; 0 if none was
}

// chunk is a run of messages. Its slice never grows beyond the capacity it was
// made with and no element changes, so that readers may share it.
type chunk struct {
	first    uint64
	messages []realtime.Message
	bytes    int
}

func (c *chunk) oldest() int64 { return c.messages[0].Time.UnixMilli() }
func (c *chunk) newest() int64 { return c.messages[len(c.messages)-1].Time.UnixMilli() }

// bounds are the limits of a log.
type bounds struct {
	bytes int   // evict the oldest above this
	age   int64 // evict what is older than this, ms
}

// append adds a message of the given size.
func (l *log) append(m *realtime.Message, size int, b bounds) {
	c := l.open(m.Time.UnixMilli(), b)
	c.messages = append(c.messages, *m)
	c.bytes += size
	l.bytes += size
	l.next++
}

// open returns the chunk that takes a message of that time: the last one, or a
// new one if that is full by number, bytes or age.
func (l *log) open(now int64, b bounds) *chunk {
	capacity := firstChunk
	if n := len(l.chunks); n > 0 {
		last := l.chunks[n-1]
		full := len(last.messages) == cap(last.messages)
		if !full && last.bytes < b.bytes/chunksPerLog && now-last.oldest() < b.age/chunksPerLog {
			return last
		}
		if full {
			capacity = min(2*cap(last.messages), chunkMessages)
		}
	}
	c := &chunk{first: l.next, messages: make([]realtime.Message, 0, capacity)}
	l.chunks = append(l.chunks, c)
	return c
}

// evict lets go of the oldest chunks that are wholly too old, and of those
// above the bytes, except the newest one.
func (l *log) evict(now int64, b bounds) {
	for len(l.chunks) > 0 {
		oldest := l.chunks[0]
		old := oldest.newest() < now-b.age
		if !old && (l.bytes <= b.bytes || len(l.chunks) == 1) {
			return
		}
		l.drop()
	}
}

// drop lets go of the oldest chunk and returns its bytes.
func (l *log) drop() int {
	if len(l.chunks) == 0 {
		return 0
	}
	oldest := l.chunks[0]
	l.trimmed = oldest.newest()
	l.bytes -= oldest.bytes
	l.chunks[0] = nil
	l.chunks = l.chunks[1:]
	return oldest.bytes
}

// since returns the index of the first message of that time or a later one.
func (l *log) since(ms int64) uint64 {
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].newest() >= ms })
	if i == len(l.chunks) {
		return l.next
	}
	c := l.chunks[i]
	return c.first + uint64(sort.Search(len(c.messages), func(i int) bool { return c.messages[i].Time.UnixMilli() >= ms }))
}

// read returns messages from index on, as many as lie together: none if there
// are none yet. missed says how many were evicted before they were read.
func (l *log) read(index uint64) (run []realtime.Message, missed uint64) {
	if index == l.next {
		return nil, 0
	}
	if len(l.chunks) == 0 {
		return nil, l.next - index
	}
	if first := l.chunks[0].first; index < first {
		return nil, first - index
	}
	// The chunk before the first one that begins after index.
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].first > index }) - 1
	c := l.chunks[i]
	return c.messages[index-c.first:], 0
}
