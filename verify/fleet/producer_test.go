package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/realtime"
)

// producer publishes to its channels through ingest, numbered. It keeps the order of each: the next
// goes out when the one before has been taken in, or with it in one batch. What was not taken in, or nobody
// knows, it sends again with the same ids.
type producer struct {
	url      string
	http     *http.Client
	token    func(tenant string) string
	channels []realtime.Channel
	every    time.Duration // between requests
	batch    int           // most events in one
	pad      string
	book     *book

	sent map[realtime.Channel]*atomic.Int64 // number of the last that was taken in
	beat int                                // requests so far
}

func newProducer(url string, token func(string) string, b *book, every time.Duration, batch int, channels ...realtime.Channel) *producer {
	p := &producer{
		url: url, token: token, channels: channels, every: every, batch: batch, book: b, sent: map[realtime.Channel]*atomic.Int64{},
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 15 * time.Second},
	}
	for _, ch := range channels {
		p.sent[ch] = &atomic.Int64{}
	}
	return p
}

// run publishes until ctx ends. What it has begun it finishes.
func (p *producer) run(ctx context.Context) {
	defer p.http.CloseIdleConnections()
	tick := time.NewTicker(p.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.publish(p.channels[p.beat%len(p.channels)], 1+rand.IntN(p.batch))
			p.beat++
		}
	}
}

// event is one as ingest takes it.
type event struct {
	Channel string  `json:"channel"`
	Key     string  `json:"key"`
	ID      string  `json:"id"`
	Data    payload `json:"data"`
}

// publish publishes n more events of a channel, and returns once they are taken in.
func (p *producer) publish(ch realtime.Channel, n int) {
	var events []event
	first := p.sent[ch].Load() + 1
	for i := first; i < first+int64(n); i++ {
		id := strconv.FormatInt(i, 10) // the same in every channel and tenant: they must not be mixed up
		p.book.checker.Published(ch, id)
		events = append(events, event{ch.Name(), "k" + id[len(id)-1:], id, payload{ch.Tenant(), ch.Name(), i, time.Now().UnixMicro(), p.pad}})
	}
	body, err := json.Marshal(events)
	if err != nil {
		p.book.fault("producer: %v", err)
		return
	}
	for end := time.Now().Add(patience); ; {
		wait, err := p.post(ch.Tenant(), body)
		if err == nil {
			p.sent[ch].Add(int64(n))
			return
		}
		p.book.count("publish: " + err.Error())
		if wait < 0 || time.Now().After(end) {
			p.book.fault("publishing to %v: %v", ch, err)
			return
		}
		time.Sleep(wait)
	}
}

// post sends a batch once. An error comes with the time to wait before it is sent again, or
// less than none if it is not to be.
func (p *producer) post(tenant string, body []byte) (time.Duration, error) {
	r, err := http.NewRequest(http.MethodPost, p.url+"/v1/tenants/"+tenant+"/events", bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.token(tenant))
	res, err := p.http.Do(r)
	if err != nil {
		return rand.N(time.Second), fmt.Errorf("no answer")
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return rand.N(time.Second), fmt.Errorf("half an answer")
	case res.StatusCode == http.StatusOK:
		return 0, nil
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		if seconds == 0 {
			p.book.count("publish: no Retry-After with " + strconv.Itoa(res.StatusCode))
		}
		return time.Duration(seconds)*time.Second + rand.N(time.Second), fmt.Errorf("status %d", res.StatusCode)
	}
	return -1, fmt.Errorf("status %d: %s", res.StatusCode, said)
}
