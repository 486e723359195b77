package session

import (
	"context"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/gateway/hook"
	"github.com/tidewire/tidewire/realtime/gateway/internal/clients"
	"github.com/tidewire/tidewire/realtime/gateway/internal/refusal"
	"github.com/tidewire/tidewire/realtime/hub"
	"github.com/tidewire/tidewire/realtime/outbox"
	"github.com/tidewire/tidewire/realtime/wire"
)

// handler does what the frames of a connected client ask for, and answers them. Its calls are made one after the
// other, by the reader of the socket or by the worker of the queue; only refusePublish may be called by both at once.
type handler struct {
	c        *Config
	protocol *Protocol
	client   *clients.Client
	refused  refusedPublishes
	assigned assigned
}

// handle does what a frame asks for and answers it; but for publishes, which go in batches.
func (h *handler) handle(f *wire.ClientFrame) {
	switch f.Type {
	case wire.TypeConnect:
		h.resume(f)
	case wire.TypeSubscribe:
		h.subscribe(f.ID, &wire.Subscription{Channel: f.Channel, Since: f.Since, View: f.View, Sub: f.Sub, Positions: f.Positions, Views: f.Views, Options: f.Options}, f.AsOf)
	case wire.TypeTune:
		h.tune(f)
	case wire.TypeUnsubscribe:
		h.unsubscribe(f)
	case wire.TypePresence:
		h.presence(f)
	case wire.TypeHistory:
		answerHistory(h, f)
	case wire.TypeCall:
		h.call(f)
	case wire.TypeRefresh:
		if expires, ok := h.refresh(f); ok {
			h.send(h.protocol.RefreshOK(f.ID, expires))
		}
	}
}

// send queues an answer in its place among the data.
func (h *handler) send(f outbox.Frame) { h.client.Connection().Send(f) }

// control queues a frame that overtakes the data.
func (h *handler) control(f outbox.Frame) { h.client.Connection().SendControl(f) }

// fail answers a frame with an error. name is the channel as the client wrote it.
func (h *handler) fail(id wire.ID, name string, err *realtime.Error) {
	h.send(h.protocol.Error(id, shownName(name), err))
}

// report is fail with what the client may be told of an error.
func (h *handler) report(id wire.ID, name, doing string, err error) {
	h.fail(id, name, h.c.Reporter.Report(h.c.Life, doing, err))
}

// reportSub is report about a subscription, with the name that the client has given to it.
func (h *handler) reportSub(id wire.ID, name, sub, doing string, err error) {
	told := h.c.Reporter.Report(h.c.Life, doing, err)
	h.send(h.named(h.protocol.Error(id, shownName(name), told), sub))
}

// shownName is the name of a channel in an answer; empty if it is longer than any can be.
func shownName(name string) string {
	if len(name) > realtime.MaxChannelBytes {
		return ""
	}
	return name
}

// channel is the one of the client's tenant with a name, which may be a reserved one.
func (h *handler) channel(name string) (realtime.Channel, error) {
	return realtime.NewReadable(h.client.Tenant.ID, name)
}

// resume handles a connect frame, but for a token that the handshake did not hold.
func (h *handler) resume(f *wire.ClientFrame) {
	if f.Token != "" {
		if _, ok := h.refresh(f); !ok {
			return
		}
	}
	boundBytes(h, f)
	limits := h.client.Document().Limits.WithDefaults()
	if f.ID != "" { // the client waits for an answer, and was welcomed before it asked
		h.send(h.protocol.Welcome(f.ID, h.client.Welcome(limits)))
	}
	if n, most := len(f.Subscriptions), limits.SubscriptionsPerConnection; n > most {
		h.fail("", "", &realtime.Error{
			Code: realtime.CodeLimited, Limit: "subscriptionsPerConnection",
			Message: fmt.Sprintf("subscriptions: must be at most %d (limits.subscriptionsPerConnection), got %d; none was accepted", most, n),
		})
		return
	}
	for _, sub := range f.Subscriptions {
		if sub.Err != nil {
			h.reportSub("", sub.Channel, sub.Sub, "subscribing", sub.Err)
			continue
		}
		h.subscribe("", &sub, f.AsOf)
	}
}

func (h *handler) subscribe(id wire.ID, s *wire.Subscription, asOf int64) {
	want, err := changed(hub.Want{}, &s.Options)
	if err == nil && realtime.IsSelection(s.Channel) {
		err = h.subscribePattern(id, s, asOf, want)
	} else if err == nil {
		var ch realtime.Channel
		if ch, err = h.channel(s.Channel); err == nil {
			err = h.client.Subscribe(hub.SubscribeRequest{ID: string(id), Channel: ch, Sub: s.Sub, Since: s.Since, AsOf: asOf, State: s.Options.State, View: s.View, Rewind: s.Options.Rewind, Want: want})
		}
	}
	if err != nil {
		h.reportSub(id, s.Channel, s.Sub, "subscribing", err)
	}
}

func (h *handler) unsubscribe(f *wire.ClientFrame) {
	if realtime.IsSelection(f.Channel) {
		h.unsubscribePattern(f)
		return
	}
	ch, err := h.channel(f.Channel)
	if err == nil && !h.c.Hub.Unsubscribe(h.client.Connection(), ch, f.Sub) {
		err = realtime.Errorf(realtime.CodeNotFound, "channel: %q is not subscribed", f.Channel)
	}
	if err != nil {
		h.reportSub(f.ID, f.Channel, f.Sub, "unsubscribing", err)
		return
	}
	h.send(h.named(h.protocol.UnsubscribeOK(f.ID, ch), f.Sub))
}

// named puts the name that the client has given to a subscription into an answer.
func (h *handler) named(f outbox.Frame, sub string) outbox.Frame {
	if sub == "" {
		return f
	}
	return h.protocol.WithSub(f, sub)
}

// wants reports whether a hook is to be called about something that the client asks for.
func wants(h *handler, e hook.Event, subject string) bool {
	return h.c.Hooks.Wants(hook.Question{Tenant: h.client.Document(), Event: e, Subject: subject})
}

func (h *handler) call(f *wire.ClientFrame) {
	if !wants(h, hook.EventCall, f.Route) {
		h.fail(f.ID, "", refusal.NoRoute(f.Route))
		return
	}
	data, refused := h.c.Hooks.Call(h.client.Hooked(), f.Route, f.Data)
	if refused != nil {
		h.fail(f.ID, "", refused)
		return
	}
	h.send(h.protocol.CallOK(f.ID, data))
}

// refresh renews the client's token. A refused one changes nothing. It reports whether it
// was accepted, and has answered it if not.
func (h *handler) refresh(f *wire.ClientFrame) (expires time.Time, ok bool) {
	ctx, cancel := context.WithTimeout(h.c.Life, h.c.FirstFrame)
	defer cancel()
	p, refused := h.c.Admission.Verify(ctx, f.Token)
	if refused != nil {
		h.fail(f.ID, "", refused)
		return time.Time{}, false
	}
	if err := h.client.Renew(ctx, p); err != nil {
		h.fail(f.ID, "", h.c.Reporter.Report(ctx, "renewing a token", err))
		return time.Time{}, false
	}
	return p.Expires, true
}
