package cloudruntest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// severities are those of LogSeverity (google/logging/type/log_severity.proto), without DEFAULT, which is none.
var severities = []string{"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}

var (
	traceName = regexp.MustCompile(`^projects/[a-z][a-z0-9-]+/traces/[0-9a-f]{32}$`)
	spanName  = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// CloudLogging checks a log line by what Cloud Logging makes of its members
// (https://docs.cloud.google.com/logging/docs/structured-logging): those that it knows have to be in its form, or it
// would leave them in the payload and take the line for one of no severity.
func CloudLogging(line map[string]any) error {
	var errs []error
	text := func(name string) string {
		s, ok := line[name].(string)
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %v is no text", name, line[name]))
		}
		return s
	}
	if s := text("severity"); !slices.Contains(severities, s) {
		errs = append(errs, fmt.Errorf("severity: %q is no LogSeverity", s))
	}
	if s := text("message"); s == "" {
		errs = append(errs, errors.New("message: is empty"))
	}
	if _, err := time.Parse(time.RFC3339Nano, text("time")); err != nil {
		errs = append(errs, fmt.Errorf("time: %w", err))
	}
	for name, value := range line {
		if err := known(name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// known checks a member with a name that Cloud Logging keeps for itself.
func known(name string, value any) error {
	special, is := strings.CutPrefix(name, "logging.googleapis.com/")
	switch {
	case !is && name != "httpRequest" && name != "timestamp" && name != "timestampSeconds":
		return nil
	case special == "trace" && traceName.MatchString(fmt.Sprint(value)), special == "spanId" && spanName.MatchString(fmt.Sprint(value)):
		return nil
	case special == "trace_sampled":
		if _, ok := value.(bool); ok {
			return nil
		}
	case special == "sourceLocation":
		at, _ := value.(map[string]any)
		number, _ := at["line"].(string) // int64, as JSON of protocol buffers has it
		if _, err := strconv.ParseInt(number, 10, 64); err == nil && at["file"] != "" && at["function"] != "" {
			return nil
		}
	}
	return fmt.Errorf("%v is not what stands there", value)
}
