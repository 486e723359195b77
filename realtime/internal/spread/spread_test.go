package spread

import (
	"fmt"
	"testing"
	"time"
)

func TestPart(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, 4, time.Second, 25 * time.Second, 60 * time.Minute} {
		var tenths [10]int
		for i := range 10_000 {
			id := fmt.Sprint("connection", i)
			part := Part(d, id)
			if part != Part(d, id) {
				t.Fatalf("%s has two parts of %v", id, d)
			}
			if part < d/4 || part > d {
				t.Fatalf("%v of %v", part, d)
			}
			if d >= time.Second {
				tenths[int(float64(part-d/4)/float64(d-d/4)*10)]++
			}
		}
		for i, n := range tenths {
			if d >= time.Second && (n < 600 || n > 1400) {
				t.Errorf("%v: %d of 10,000 in tenth %d", d, n, i)
			}
		}
	}
}
