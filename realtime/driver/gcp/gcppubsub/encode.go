package gcppubsub

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/tidewire/tidewire/realtime"
)

// A Message is a Pub/Sub message whose data is the payload as it is, so that other
// subscribers of a topic can use it. Its channel is the ordering key, <tenant>/<name>.
// Tags are attributes of their own names, which filters of Pub/Sub can use; what is
// the framework's has names that begin with tw-.
const (
	attrKind       = "tw-kind" // missing: a Publication
	attrID         = "tw-id"
	attrChannel    = "tw-channel" // a sum of the ordering key, by which a subscription can select it
	attrKey        = "tw-key"
	attrOp         = "tw-op"        // missing: realtime.OpSet
	attrTTL        = "tw-ttl"       // a duration as package time writes it
	attrTransient  = "tw-transient" // "1"; missing: it is not
	attrIf         = "tw-if"        // realtime.Condition.String; missing: none
	attrType       = "tw-event-type"
	attrSource     = "tw-source"
	attrContent    = "tw-content-type"
	attrSeries     = "tw-series"
	attrNumber     = "tw-number"
	attrPrevious   = "tw-previous" // Unix nanoseconds
	attrOrigin     = "tw-origin"
	attrTenant     = "tw-tenant"
	attrConnection = "tw-connection"
	attrUser       = "tw-user"
	attrGroup      = "tw-group"
	attrCode       = "tw-code"
	attrBefore     = "tw-before" // Unix nanoseconds
	// attrTrace has the name that W3C Trace Context gives it, for subscribers that are not Tidewire.
	attrTrace = "traceparent"

	// A tag whose name is reserved travels as a pair, tw-name-<n> and tw-value-<n>.
	attrTagName  = "tw-name-"
	attrTagValue = "tw-value-"
)

var kindNames = [...]string{
	realtime.KindFence: "fence", realtime.KindBeacon: "beacon", realtime.KindPulse: "pulse",
	realtime.KindDirect: "direct", realtime.KindClose: "close", realtime.KindCensus: "census",
}

func kindOf(name string) (realtime.Kind, bool) {
	if name == "" {
		return realtime.KindPublication, true
	}
	for k, n := range kindNames {
		if n == name {
			return realtime.Kind(k), true
		}
	}
	return 0, false
}

// encode makes a message of its own: nothing of m is kept. Its Kind is one of those there are.
func encode(m *realtime.Message) *pubsub.Message {
	a := make(map[string]string, 4+len(m.Tags))
	set := func(name, value string) {
		if value != "" {
			a[name] = value
		}
	}
	setTime := func(name string, t time.Time) {
		if !t.IsZero() {
			a[name] = strconv.FormatInt(t.UnixNano(), 10)
		}
	}
	a[attrID] = m.ID // also an empty one: a message needs data or an attribute
	if m.Kind != realtime.KindPublication {
		a[attrKind] = kindNames[m.Kind]
	}
	if !m.Channel.IsZero() {
		a[attrChannel] = channelSum(m.Channel)
	}
	set(attrKey, m.Key)
	set(attrOp, string(m.Op))
	if m.TTL != 0 {
		a[attrTTL] = m.TTL.String()
	}
	if m.Transient {
		a[attrTransient] = "1"
	}
	if m.If != nil {
		a[attrIf] = m.If.String()
	}
	set(attrType, m.EventType)
	set(attrSource, m.Source)
	set(attrContent, m.ContentType)
	set(attrSeries, m.Series)
	if m.Number != 0 {
		a[attrNumber] = strconv.FormatUint(m.Number, 10)
	}
	setTime(attrPrevious, m.Previous)
	set(attrTrace, m.Trace)
	set(attrOrigin, m.Origin)
	set(attrTenant, m.Tenant)
	set(attrConnection, m.To.Connection)
	set(attrUser, m.To.User)
	set(attrGroup, m.To.Group)
	set(attrCode, string(m.Code))
	setTime(attrBefore, m.Before)
	encodeTags(a, m.Tags)
	return &pubsub.Message{Data: bytes.Clone(m.Data), Attributes: a, OrderingKey: orderingKey(m.Channel)}
}

func encodeTags(a, tags map[string]string) {
	pairs := 0
	for name, value := range tags {
		if !reserved(name) {
			a[name] = value
			continue
		}
		n := strconv.Itoa(pairs)
		a[attrTagName+n], a[attrTagValue+n] = name, value
		pairs++
	}
}

// reserved reports whether a tag of that name would be taken for something else. Pub/Sub
// keeps goog for itself.
func reserved(name string) bool {
	return strings.HasPrefix(name, "tw-") || strings.HasPrefix(name, "goog") || name == attrTrace
}

// channelSum is short, whatever the length of the name: filters are at most 256 bytes long, and attributes cost. Channels that have one in
// common are selected together.
func channelSum(c realtime.Channel) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(orderingKey(c))) // never fails: hash.Hash
	return strconv.FormatUint(uint64(sum.Sum32()), 16)
}

func orderingKey(c realtime.Channel) string {
	if c.IsZero() {
		return ""
	}
	return c.Tenant() + "/" + c.Name()
}

// decode reads what encode made. An error says what is wrong with a message
// that something else has published to the topic.
func decode(p *pubsubpb.PubsubMessage) (realtime.Message, error) {
	d := decoder{attributes: p.GetAttributes()}
	var m realtime.Message
	var ok bool
	if m.Kind, ok = kindOf(d.text(attrKind)); !ok {
		return m, fmt.Errorf("%s: %.40q is an unknown kind of message", attrKind, d.text(attrKind))
	}
	if _, ok := d.attributes[attrID]; !ok {
		return m, fmt.Errorf("%s: is missing", attrID)
	}
	if tenant, name, ok := strings.Cut(p.GetOrderingKey(), "/"); ok {
		c, err := realtime.NewReadable(tenant, name)
		if err != nil {
			return m, fmt.Errorf("ordering key: %w", err)
		}
		m.Channel = c
	}
	if m.Channel.IsZero() && (m.Kind == realtime.KindPublication || m.Kind == realtime.KindFence) {
		return m, fmt.Errorf("ordering key: %.80q is not <tenant>/<channel>", p.GetOrderingKey())
	}
	m.ID, m.Key, m.Data = d.text(attrID), d.text(attrKey), p.GetData()
	m.Op, m.TTL, m.Transient = realtime.Op(d.text(attrOp)), d.duration(attrTTL), d.text(attrTransient) != ""
	m.EventType, m.Source, m.ContentType = d.text(attrType), d.text(attrSource), d.text(attrContent)
	m.Series, m.Number, m.Previous = d.text(attrSeries), d.number(attrNumber), d.time(attrPrevious)
	m.Trace, m.Origin, m.Tenant = d.text(attrTrace), d.text(attrOrigin), d.text(attrTenant)
	m.To = realtime.Target{Connection: d.text(attrConnection), User: d.text(attrUser), Group: d.text(attrGroup)}
	m.Code, m.Before = realtime.Code(d.text(attrCode)), d.time(attrBefore)
	m.If = d.condition()
	m.Tags = d.tags()
	// The service gives microseconds and the emulator milliseconds; a Message has milliseconds.
	m.Time = time.UnixMilli(p.GetPublishTime().AsTime().UnixMilli())
	return m, d.err
}

// decoder reads attributes and keeps the first fault.
type decoder struct {
	attributes map[string]string
	err        error
}

func (d *decoder) text(name string) string { return d.attributes[name] }

func (d *decoder) number(name string) uint64 {
	text := d.attributes[name]
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		d.fault(name, text)
	}
	return n
}

func (d *decoder) time(name string) time.Time {
	text := d.attributes[name]
	if text == "" {
		return time.Time{}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		d.fault(name, text)
	}
	return time.Unix(0, n)
}

func (d *decoder) duration(name string) time.Duration {
	text := d.attributes[name]
	if text == "" {
		return 0
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		d.fail(name, text, "is not a duration")
	}
	return v
}

func (d *decoder) condition() *realtime.Condition {
	text := d.attributes[attrIf]
	if text == "" {
		return nil
	}
	c, err := realtime.ParseCondition(text)
	if err != nil {
		d.fail(attrIf, text, "is no condition")
	}
	return c
}

func (d *decoder) fault(name, text string) { d.fail(name, text, "is not a number") }

func (d *decoder) fail(name, text, why string) {
	if d.err == nil {
		d.err = fmt.Errorf("%s: %.40q %s", name, text, why)
	}
}

func (d *decoder) tags() map[string]string {
	var tags map[string]string
	add := func(name, value string) {
		if tags == nil {
			tags = make(map[string]string, len(d.attributes))
		}
		tags[name] = value
	}
	for name, value := range d.attributes {
		n, pair := strings.CutPrefix(name, attrTagName)
		switch _, again := tags[value]; {
		case pair && (!reserved(value) || again): // every instance has to read the same tags
			d.fail(name, value, "is not a valid pair of a tag, or appears twice")
		case pair:
			add(value, d.attributes[attrTagValue+n])
		case !reserved(name):
			add(name, value)
		}
	}
	return tags
}
