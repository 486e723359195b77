package realtime_test

import (
	"fmt"

	"github.com/tidewire/tidewire/realtime"
)

func ExamplePattern_Match() {
	p := realtime.Pattern("desk:{group}:*")
	fmt.Println(p.Match("desk:fx:orders", "ann", []string{"fx", "ops"}))
	fmt.Println(p.Match("desk:hr:orders", "ann", []string{"fx", "ops"}))
	// Output:
	// true
	// false
}

func ExampleParsePosition() {
	p, err := realtime.ParsePosition("1764000000000-evt-17")
	fmt.Println(p.Time, p.ID, err)
	// Output: 1764000000000 evt-17 <nil>
}

func ExampleCode_Meaning() {
	m := realtime.CodeLimited.Meaning()
	fmt.Println(m.Status, m.Close, m.Advice)
	// Output: 429 4429 retry later
}
