package pace

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"leap/internal/fault"
)

// Help describes what [Parse] reads, for the help of a command.
const Help = `1000                    1,000 operations per second, evenly spaced (same as constant:1000)
poisson:1000            the same on average, at random moments
ramp:100..2000/5m       from 100 to 2,000 within 5 minutes, then 2,000
steps:100,500,1000/1m   100 for a minute, then 500 for a minute, then 1,000
spike:200..5000@30s/10s 200; 30 seconds after the start 5,000 for 10 seconds; then 200 again
sine:500..1500/10m      up and down once every 10 minutes, beginning at 500
poisson:ramp:...        any of these, at random moments`

// hint is the advice of every error of this file.
const hint = "write a rate like 1000, poisson:1000, ramp:100..2000/5m, steps:100,500,1000/1m, spike:200..5000@30s/10s or sine:500..1500/10m"

// maxRate is the highest rate that is taken, per second: the distance of two
// operations is a nanosecond. No client comes near it.
const maxRate = 1e9

// Spec is a rate over time and the way in which arrivals follow it. The zero
// value is not usable; get one from [Parse] or [Constant].
type Spec struct {
	text    string
	curve   curve
	poisson bool
}

// String returns the text that [Parse] reads.
func (s Spec) String() string { return s.text }

// Constant returns evenly spaced arrivals, rate per second. The rate must be
// above 0 and at most a thousand million.
func Constant(rate float64) Spec {
	return Spec{text: strconv.FormatFloat(rate, 'f', -1, 64), curve: newLines(leg{from: rate})}
}

// Parse reads a specification; [Help] lists the forms. Its errors are of class
// fault.Usage.
func Parse(text string) (Spec, error) {
	s := Spec{text: text}
	rest := text
	kind, args, named := strings.Cut(rest, ":")
	if named && kind == "poisson" {
		s.poisson = true
		rest = args
		kind, args, named = strings.Cut(rest, ":")
	}
	if !named {
		kind, args = "constant", rest
	}
	var err error
	switch kind {
	case "constant":
		s.curve, err = parseConstant(args)
	case "ramp":
		s.curve, err = parseRamp(args)
	case "steps":
		s.curve, err = parseSteps(args)
	case "spike":
		s.curve, err = parseSpike(args)
	case "sine":
		s.curve, err = parseSine(args)
	default:
		err = fmt.Errorf("there is no schedule named %q", kind)
	}
	if err != nil {
		return Spec{}, fault.New(fault.Usage, hint, "rate %q: %w", text, err)
	}
	return s, nil
}

func parseConstant(args string) (curve, error) {
	rate, err := parseRate(args)
	if err != nil {
		return nil, err
	}
	if rate == 0 {
		return nil, fmt.Errorf("a rate of 0 never does anything")
	}
	return newLines(leg{from: rate}), nil
}

func parseRamp(args string) (curve, error) {
	rates, length, err := cutDuration(args)
	if err != nil {
		return nil, err
	}
	from, to, err := parseRange(rates)
	if err != nil {
		return nil, err
	}
	if from == 0 && to == 0 {
		return nil, fmt.Errorf("a rate of 0 never does anything")
	}
	return newLines(leg{length, from, to}, leg{from: to}), nil
}

func parseSteps(args string) (curve, error) {
	list, length, err := cutDuration(args)
	if err != nil {
		return nil, err
	}
	var legs []leg
	var sum float64
	for word := range strings.SplitSeq(list, ",") {
		rate, err := parseRate(word)
		if err != nil {
			return nil, err
		}
		legs = append(legs, leg{length, rate, rate})
		sum += rate
	}
	if sum == 0 {
		return nil, fmt.Errorf("a rate of 0 never does anything")
	}
	return newLines(legs...), nil
}

func parseSpike(args string) (curve, error) {
	head, length, err := cutDuration(args)
	if err != nil {
		return nil, err
	}
	rates, at, ok := strings.Cut(head, "@")
	if !ok {
		return nil, fmt.Errorf("when it begins is missing: @ and a time, such as @30s")
	}
	start, err := parseDuration(at)
	if err != nil {
		return nil, err
	}
	base, peak, err := parseRange(rates)
	if err != nil {
		return nil, err
	}
	if base == 0 && peak == 0 {
		return nil, fmt.Errorf("a rate of 0 never does anything")
	}
	return newLines(leg{start, base, base}, leg{length, peak, peak}, leg{from: base}), nil
}

func parseSine(args string) (curve, error) {
	rates, period, err := cutDuration(args)
	if err != nil {
		return nil, err
	}
	low, high, err := parseRange(rates)
	if err != nil {
		return nil, err
	}
	if low > high || high == 0 {
		return nil, fmt.Errorf("the second rate must be the higher one")
	}
	return wave{middle: (low + high) / 2, swing: (high - low) / 2, period: period.Seconds()}, nil
}

// cutDuration takes the duration behind the last slash off.
func cutDuration(args string) (string, time.Duration, error) {
	i := strings.LastIndexByte(args, '/')
	if i < 0 {
		return "", 0, fmt.Errorf("how long it takes is missing: / and a time, such as /1m")
	}
	d, err := parseDuration(args[i+1:])
	return args[:i], d, err
}

func parseDuration(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a time above 0, such as 30s or 5m", word)
	}
	return d, nil
}

func parseRange(rates string) (from, to float64, err error) {
	a, b, ok := strings.Cut(rates, "..")
	if !ok {
		return 0, 0, fmt.Errorf("%q is not two rates with .. between them", rates)
	}
	if from, err = parseRate(a); err != nil {
		return 0, 0, err
	}
	to, err = parseRate(b)
	return from, to, err
}

func parseRate(word string) (float64, error) {
	rate, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsNaN(rate) || rate < 0 || rate > maxRate {
		return 0, fmt.Errorf("%q is not a number of operations per second between 0 and %d", word, int(maxRate))
	}
	return rate, nil
}
