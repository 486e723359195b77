package realtime

// The bounds of a page of history.
const (
	MaxHistoryLimit     = 1000
	DefaultHistoryLimit = 100
)

// HistoryQuery asks for what was published to a channel. Of each side one bound may be given: After or From, Before or To. Without
// After and From the newest are asked for, and each next page is of older ones.
type HistoryQuery struct {
	Limit  int      // Publications at most; 0 is DefaultHistoryLimit
	Before Position // those before it
	After  Position // those after it
	From   int64    // published at this moment or later, ms since 1970
	To     int64    // published before this moment
}

// Check refuses what cannot be answered. An error has code CodeBadRequest and names the field.
func (q *HistoryQuery) Check() error {
	switch {
	case q.Limit < 0 || q.Limit > MaxHistoryLimit:
		return Errorf(CodeBadRequest, "limit: must be 1 to %d, got %d", MaxHistoryLimit, q.Limit)
	case !q.After.IsZero() && q.From != 0:
		return Errorf(CodeBadRequest, "from: must be left out where after says it")
	case !q.Before.IsZero() && q.To != 0:
		return Errorf(CodeBadRequest, "to: must be left out where before says it")
	case !q.After.IsZero() && !q.Before.IsZero():
		return Errorf(CodeBadRequest, "before: must be left out where after is given; to bounds it")
	case !q.After.IsUsable():
		return Errorf(CodeBadRequest, "after: must be a position as the server sent it")
	case !q.Before.IsUsable():
		return Errorf(CodeBadRequest, "before: must be a position as the server sent it")
	case q.From < 0 || q.To < 0:
		return Errorf(CodeBadRequest, "from and to: must be milliseconds since 1970")
	case q.From != 0 && q.To != 0 && q.From >= q.To:
		return Errorf(CodeBadRequest, "to: must be later than from, which is %d, got %d", q.From, q.To)
	}
	return nil
}

// Forward reports whether the oldest are asked for first: a page begins at the lower bound, and the next one follows it.
func (q *HistoryQuery) Forward() bool { return (!q.After.IsZero() || q.From != 0) && q.Before.IsZero() }

// Most is how many Publications a page has at most.
func (q *HistoryQuery) Most() int {
	if q.Limit == 0 {
		return DefaultHistoryLimit
	}
	return q.Limit
}
