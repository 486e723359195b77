package distinct

// Union counts names that several places have, some of them in common. It keeps as many sums as Most says, which is to be set.
type Union struct {
	Most int

	names     *Sketch
	most, sum int  // of the names of one place; as if none was at two
	blind     bool // a place has not said which they are
}

// Add adds those of a place: how many there are, and which; nil: it has not said that.
func (u *Union) Add(n int, names *Sketch) {
	u.most, u.sum = max(u.most, n), u.sum+n
	if n == 0 {
		return
	}
	if names == nil {
		u.blind = true
		return
	}
	if u.names == nil {
		u.names = New(u.Most)
	}
	u.names.Merge(names)
}

// Count is how many there are. It lies between those of the place that has most, and the sum of all.
func (u *Union) Count() int {
	if u.blind || u.names == nil {
		return u.sum
	}
	n, _ := u.names.Count()
	return min(max(n, u.most), u.sum)
}
