package strict_test

import (
	"fmt"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/strict"
)

func ExampleDecode() {
	var limits struct {
		Limits realtime.Limits `json:"limits"`
	}
	fmt.Println(strict.Decode("body", []byte(`{"limits":{"conections":10,"messageBytes":"many"}}`), &limits))
	// Output:
	// limits.conections: unknown field
	// limits.messageBytes: must be a whole number, got a string
}
