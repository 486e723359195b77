package wire_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/wire"
)

// What a gateway does with each frame: close, answer, or obey.
func ExampleDecode() {
	for _, payload := range []string{
		`{"type":"subscribe","id":1,"channel":"prices:fx"}`,
		`{"type":"subscribe","id":2}`,
		`subscribe`,
	} {
		frame, err := wire.Decode([]byte(payload))
		var refused *wire.DecodeError
		switch {
		case errors.As(err, &refused) && refused.Fatal:
			fmt.Println("close", refused.Err.Code.Meaning().Close, refused.Err)
		case errors.As(err, &refused):
			fmt.Printf("%s\n", wire.Encoder{}.Error(refused.ID, "", refused.Err).Payload())
		default:
			fmt.Println(frame.Type, frame.Channel)
		}
	}
	// Output:
	// subscribe prices:fx
	// {"type":"error","id":2,"code":"bad-request","message":"channel: is missing"}
	// close 4400 frame: is not a JSON object
}

func ExampleEncoder_Message() {
	channel, err := realtime.NewChannel("acme", "prices:fx")
	if err != nil {
		fmt.Println(err)
		return
	}
	frame, _ := wire.Encoder{}.Message(&realtime.Publication{
		Channel: channel, ID: "e1", Key: "EURUSD", Data: []byte(`{"bid":1.08412}`), Time: time.UnixMilli(1767225600123),
	})
	fmt.Printf("% x\n%s\n", frame.Bytes[:len(frame.Bytes)-len(frame.Payload())], frame.Payload())
	// Output:
	// 81 7e 00 81
	// {"type":"message","channel":"prices:fx","position":"1767225600123-e1","key":"EURUSD","time":1767225600123,"data":{"bid":1.08412}}
}

func ExampleDecodeServer() {
	frame, err := wire.DecodeServer([]byte(`{"type":"notice","code":"dropped","channel":"prices:fx","count":3}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(frame.Type, frame.Code, frame.Channel, frame.Count)
	// Output: notice dropped prices:fx 3
}

func ExampleClientFrame_AppendJSON() {
	frame := wire.ClientFrame{Type: wire.TypeSubscribe, ID: "1", Channel: "prices:fx"}
	fmt.Printf("%s\n", frame.AppendJSON(nil))
	// Output: {"type":"subscribe","id":1,"channel":"prices:fx"}
}

func ExampleCompact() {
	data, err := wire.Compact([]byte("{\n  \"bid\": 1.08412\n}\n"))
	fmt.Printf("%s %v\n", data, err)
	// Output: {"bid":1.08412} <nil>
}
