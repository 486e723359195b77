package intake_test

import (
	"fmt"

	"github.com/tidewire/tidewire/realtime/intake"
)

func ExampleEventID() {
	// The CloudEvent 17 of this source is published with this ID, however often it is sent.
	fmt.Println(intake.EventID("https://acme.example/desks/eu", "17"))
	// Output: bbyZKmQ4Gjj9reZUAiksTQ
}
