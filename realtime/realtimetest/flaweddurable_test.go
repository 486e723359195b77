package realtimetest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/driver/memory"
)

// durableFlawEnv names the flaw that TestFlawedDurable runs the suite with.
const durableFlawEnv = "REALTIMETEST_DURABLE_FLAW"

// flawedReader is a broker whose readings break their contract in one way.
type flawedReader struct {
	*memory.Broker
	flaw string
}

// durableFlaws are those, with the case that must see each.
var durableFlaws = map[string]string{
	"acknowledges what it returns": "ComesAgain",
	"acknowledges nothing":         "GoesOn",
	"begins with what is new":      "BeginsWithWhatIsKept",
	"does not go back":             "Back",
	"has one reading":              "ReadingsAreApart",
	"does not end readings":        "Ends",
	"says that all goes on":        "BeginsWithWhatIsKept",
	"makes topics":                 "UnknownTopic",
}

func (f *flawedReader) Read(ctx context.Context, topic realtime.Topic, r realtime.Reading) (realtime.DurableStream, error) {
	switch f.flaw {
	case "begins with what is new":
		s, err := f.Broker.Read(ctx, topic, r)
		if err == nil {
			reading, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			for reading.Err() == nil {
				_, _ = s.Receive(reading)
			}
		}
		return &flawedDurable{s, f.flaw}, err
	case "does not go back":
		r.Back = false
	case "has one reading":
		if r.Check() == nil {
			r.Name = "one"
		}
	case "makes topics":
		topic = "made"
	}
	s, err := f.Broker.Read(ctx, topic, r)
	return &flawedDurable{s, f.flaw}, err
}

func (f *flawedReader) EndReading(ctx context.Context, topic realtime.Topic, name string) error {
	if f.flaw == "does not end readings" {
		return nil
	}
	return f.Broker.EndReading(ctx, topic, name)
}

type flawedDurable struct {
	realtime.DurableStream
	flaw string
}

func (f *flawedDurable) Receive(ctx context.Context) ([]realtime.Message, error) {
	messages, err := f.DurableStream.Receive(ctx)
	if err == nil && f.flaw == "acknowledges what it returns" {
		err = f.DurableStream.Ack(ctx)
	}
	return messages, err
}

func (f *flawedDurable) Ack(ctx context.Context) error {
	if f.flaw == "acknowledges nothing" {
		return nil
	}
	return f.DurableStream.Ack(ctx)
}

func (f *flawedDurable) From() time.Time {
	if f.flaw == "says that all goes on" {
		return time.Time{}
	}
	return f.DurableStream.From()
}

// TestFlawedDurable runs the suite against a flawed driver, in a process of TestDurableSeesFlaws alone.
func TestFlawedDurable(t *testing.T) {
	name := os.Getenv(durableFlawEnv)
	if name == "" {
		return
	}
	TestDurable(t, Harness{
		Broker: func(*testing.T) BrokerBackend {
			b := &flawedReader{memory.NewBroker(memory.BrokerOptions{Topics: func(t realtime.Topic) bool { return t != "no-such-topic" }}), name}
			return BrokerBackend{Open: func(*testing.T) realtime.Broker { return b }}
		},
		Features: Features{Topics: true},
		Patience: 300 * time.Millisecond,
	})
}

func TestDurableSeesFlaws(t *testing.T) {
	t.Parallel()
	if os.Getenv(durableFlawEnv) != "" {
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, caught := range durableFlaws {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestFlawedDurable$/^"+caught+"$", "-test.timeout=30s")
			cmd.Env = append(os.Environ(), durableFlawEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawedDurable/"+caught) {
				t.Errorf("the case %s did not see it: %v\n%s", caught, err, out)
			}
		})
	}
}
