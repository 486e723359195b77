package limit_test

import (
	"fmt"

	"github.com/tidewire/tidewire/realtime"
	"github.com/tidewire/tidewire/realtime/limit"
)

func ExampleLimiter() {
	limiter := limit.New(limit.Options{})
	tenant := &realtime.Tenant{ID: "acme", Limits: realtime.Limits{FramesPerSecond: 1}}

	meter, err := limiter.Connect(tenant, "ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer meter.Close()
	for range 3 {
		if refusal := meter.Frame(120); refusal != nil {
			fmt.Println(refusal.Code, refusal.Limit)
		}
	}
	// Output: limited framesPerSecond
}
