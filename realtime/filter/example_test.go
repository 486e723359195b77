package filter_test

import (
	"errors"
	"fmt"

	"github.com/tidewire/tidewire/realtime/filter"
)

// What a token and a client ask for is joined: both have to match.
func Example() {
	compiler, err := filter.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	viewer := filter.Environment{User: "ann", Groups: []string{"acme"}, Templates: true}
	enforced, err := compiler.Compile("tags.client == '{group}'", viewer)
	if err != nil {
		fmt.Println(err)
		return
	}
	viewer.Templates = false
	wanted, err := compiler.Compile("num(tags.speed) > 80", viewer)
	if err != nil {
		fmt.Println(err)
		return
	}
	both := filter.And(enforced, wanted)

	var in filter.Input
	in.Reset(filter.Attributes{Key: "v7", Tags: filter.TagMap{"client": "acme", "speed": "93"}})
	fmt.Println(both.Match(&in))
	in.Reset(filter.Attributes{Key: "v8", Tags: filter.TagMap{"client": "other", "speed": "93"}})
	fmt.Println(both.Match(&in))
	// Output:
	// true
	// false
}

// Errors say where.
func ExampleCompiler_Compile() {
	compiler, err := filter.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = compiler.Compile("key != 'a' &&\n  tags.speed > 80", filter.Environment{})
	var fault *filter.Error
	if errors.As(err, &fault) {
		fmt.Println(fault.Line, fault.Column)
	}
	fmt.Println(err)
	// Output:
	// 2 14
	// line 2, column 14: > cannot be applied to text and a number: tags are text, num(tags.x) is a number
}

func ExampleProgram_Explain() {
	compiler, err := filter.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	program, err := compiler.Compile("key == 'v7' && num(tags.speed) > 80", filter.Environment{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var in filter.Input
	in.Reset(filter.Attributes{Key: "v7", Tags: filter.TagMap{"speed": "fast"}})
	reason, _ := program.Explain(&in)
	fmt.Println(reason)
	// Output: num(tags.speed) > 80 is false: num(tags.speed) is no number
}

func ExampleProgram_Equalities() {
	compiler, err := filter.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	program, err := compiler.Compile("tags.symbol in ['EURUSD', 'GBPUSD'] && tags.desk == user && num(tags.spread) < 2", filter.Environment{User: "ann"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(program.Equalities())
	// Output: [{tags.symbol [EURUSD GBPUSD]} {tags.desk [ann]}]
}
