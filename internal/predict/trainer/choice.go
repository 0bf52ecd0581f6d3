package trainer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"clientele"
	"clientele/internal/predict/shrink"
)

// ChoiceTerms are what choices of the kinds affinity and send_time are told apart by, and what tells of them.
type ChoiceTerms struct {
	Names  []string `json:"names"`           // what is chosen, the most frequent first
	Hours  bool     `json:"hours,omitempty"` // they are the hours of the day
	Told   string   `json:"told,omitempty"`  // of hours: "messages", "visits", or the name of an event
	Of     string   `json:"of"`              // what one choice is called: category, hour
	Behind string   `json:"behind"`          // what the days are of: orders, responses to messages
}

// ChoiceTermsBy are the terms of what was learned.
func ChoiceTermsBy(artefact []byte) (*ChoiceTerms, error) {
	var t ChoiceTerms
	return &t, decode(artefact, &t)
}

// Chosen is what somebody chose on a day, by its place among the names; below 0 is something else.
type Chosen struct {
	Profile int64
	shrink.Chosen
}

// Choices are what people chose, by profile.
type Choices struct {
	ChoiceTerms
	Chosen []Chosen
	Last   int32 // the last day of anybody, of people who are not in Chosen too
	Notes  []string
}

// choiceArtefact is what was learned of choices.
type choiceArtefact struct {
	ChoiceTerms
	Priors   []shrink.Prior `json:"priors"`
	Weekdays []shrink.Prior `json:"weekdays,omitempty"` // Sunday first; none where the day of the week tells nothing
	Lately   []float64      `json:"lately"`             // what was chosen in the last days, with all else at the end; shares
}

// onWeekdays are the same days with the day of the week as the choice.
func (c *Choices) onWeekdays() *Choices {
	out := &Choices{ChoiceTerms: ChoiceTerms{Of: "day of the week", Behind: c.Behind}, Last: c.Last, Chosen: slices.Clone(c.Chosen)}
	for day := range 7 {
		out.Names = append(out.Names, time.Weekday(day).String())
	}
	for i := range out.Chosen {
		out.Chosen[i].Choice = weekdayOf(out.Chosen[i].Day)
	}
	return out
}

// weekdayOf is the day of the week of a day, Sunday being 0; 1970-01-01 was a Thursday.
func weekdayOf(day int32) int32 { return ((day+4)%7 + 7) % 7 }

// people calls fn with what each person chose.
func (c *Choices) people(fn func(profile int64, chosen []shrink.Chosen)) {
	var own []shrink.Chosen
	for i, x := range c.Chosen {
		own = append(own, x.Chosen)
		if i+1 == len(c.Chosen) || c.Chosen[i+1].Profile != x.Profile {
			fn(x.Profile, own)
			own = own[:0]
		}
	}
}

func (c *Choices) days() (first, last int32) {
	first, last = math.MaxInt32, math.MinInt32
	for _, x := range c.Chosen {
		first, last = min(first, x.Day), max(last, x.Day)
	}
	return first, last
}

// priors are how shares are spread over people by the days up to one.
func (c *Choices) priors(until int32, workers int) []shrink.Prior {
	tally := shrink.NewTally(len(c.Names))
	c.people(func(_ int64, chosen []shrink.Chosen) {
		chosen = slices.DeleteFunc(chosen, func(x shrink.Chosen) bool { return x.Day > until })
		if days, own := shrink.Days(chosen); days > 0 {
			tally.Add(days, own)
		}
	})
	return tally.Learn(workers)
}

// choiceTest is how often what was preferred up to a day is among what was chosen on the next.
type choiceTest struct {
	until, last int32
	people      int
	common      int // place of the most common choice of all
	hits        [3]int
	said        []float64
	came        []bool
	wins, less  [3]int // where the model hit and the guess did not, and the other way about
}

// The guesses that preferences are held against.
const (
	byShare  = 0 // the model
	byAll    = 1 // the most common of all
	byHabit  = 2 // what each chose most often
	byChance = 1.645
)

// test learns up to a day two thirds through, and looks at each person's next day.
func (c *Choices) test(workers int) *choiceTest {
	first, last := c.days()
	t := &choiceTest{until: last - (last-first)/3, last: last}
	taste := shrink.NewTaste(c.priors(t.until, workers), interval)
	count := make([]int, len(c.Names))
	type next struct {
		days int
		own  []shrink.Own
		came []shrink.Chosen
	}
	var all []next
	c.people(func(_ int64, chosen []shrink.Chosen) {
		slices.SortFunc(chosen, func(a, b shrink.Chosen) int { return cmp.Compare(a.Day, b.Day) })
		behind, _ := slices.BinarySearchFunc(chosen, t.until+1, func(x shrink.Chosen, day int32) int { return cmp.Compare(x.Day, day) })
		days, own := shrink.Days(chosen[:behind])
		for _, o := range own {
			count[o.Choice] += o.Days
		}
		if days == 0 || behind == len(chosen) {
			return
		}
		end := behind
		for end < len(chosen) && chosen[end].Day == chosen[behind].Day {
			end++
		}
		all = append(all, next{days, own, slices.Clone(chosen[behind:end])})
	})
	for i, n := range count {
		if n > count[t.common] {
			t.common = i
		}
	}
	for _, n := range all {
		habit := int32(t.common)
		for most, i := 0, 0; i < len(n.own); i++ {
			if o := n.own[i]; o.Days > most || o.Days == most && count[o.Choice] > count[habit] {
				most, habit = o.Days, o.Choice
			}
		}
		best := taste.Likeliest(n.days, n.own, 1)[0]
		var hit [3]bool
		for k, guess := range []int32{best.Choice, int32(t.common), habit} {
			if hit[k] = slices.ContainsFunc(n.came, func(x shrink.Chosen) bool { return x.Choice == guess }); hit[k] {
				t.hits[k]++
			}
		}
		for k := range hit {
			if hit[byShare] && !hit[k] {
				t.wins[k]++
			} else if hit[k] && !hit[byShare] {
				t.less[k]++
			}
		}
		t.said, t.came = append(t.said, best.Mean), append(t.came, hit[byShare])
		t.people++
	}
	return t
}

// ahead says by how many standard deviations the model hit more often than the guess (McNemar's test of paired answers).
func (t *choiceTest) ahead(guess int) float64 {
	if t.wins[guess]+t.less[guess] == 0 {
		return 0
	}
	return float64(t.wins[guess]-t.less[guess]) / math.Sqrt(float64(t.wins[guess]+t.less[guess]))
}

// better says whether it hit more often than the most common choice of all, and no less often than what each chose most often, by more than chance.
func (t *choiceTest) better() bool { return t.ahead(byAll) > byChance && t.ahead(byHabit) > -byChance }

func (t *choiceTest) rate(guess int) float64 {
	return float64(t.hits[guess]) / float64(max(t.people, 1))
}

// TrainChoice makes a version of a model of what people prefer.
func TrainChoice(ctx context.Context, m *clientele.Model, c *Choices, workers int) (*Trained, error) {
	people, again := 0, 0
	c.people(func(_ int64, chosen []shrink.Chosen) {
		people++
		if days, _ := shrink.Days(chosen); days > 1 {
			again++
		}
	})
	if again < fewest || len(c.Names) < 2 {
		return nil, clientele.Errorf(clientele.Invalid, "too little data: %d people with %s on two days or more, who chose among %d", again, c.Behind, len(c.Names)).
			WithHint("at least %d people and 2 choices are needed%s", fewest, map[bool]string{true: "; name an event that many people do as the target", false: ""}[c.Hours])
	}
	first, last := c.days()
	a := choiceArtefact{ChoiceTerms: c.ChoiceTerms, Lately: c.lately()}
	t := &Trained{Version: clientele.ModelVersion{From: midnight(first), Until: midnight(c.Last), Customers: int64(people), Method: "beta-binomial", Seed: seed, Settings: *m}}
	tested := c.test(workers)
	t.chosen(c, tested)
	if c.Hours {
		days := c.onWeekdays()
		on := days.test(workers)
		verb := "is not told: held against the most common day of all it chose no better"
		if on.people >= fewest && on.better() {
			a.Weekdays, verb = days.priors(last, workers), "is told"
		}
		t.Report.Summary = append(t.Report.Summary, fmt.Sprintf("The day of the week %s (right for %s of %d people, the most common, %s, for %s).", verb, percent(on.rate(byShare)), on.people, days.Names[on.common], percent(on.rate(byAll))))
		t.Report.Measures = append(t.Report.Measures, clientele.ModelMeasure{Name: "day of the week: preferred", Values: map[string]float64{"hit_rate": Rounded(on.rate(byShare))}},
			clientele.ModelMeasure{Name: "day of the week: the most common", Naive: true, Values: map[string]float64{"hit_rate": Rounded(on.rate(byAll))}})
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	a.Priors = c.priors(last, workers)
	t.preferred(c, &a)
	t.Report.Notes = append(slices.Clone(c.Notes), t.Report.Notes...)
	t.Version.Quality = t.Report.Quality
	var err error
	t.Artefact, err = encode(a)
	return t, err
}

// chosen writes what the backtest found.
func (t *Trained) chosen(c *Choices, test *choiceTest) {
	r := &t.Report
	if test.people < fewest {
		r.Quality, t.Hold = unknown, fmt.Sprintf("it could not be held against what came: %d people chose up to %s and again", test.people, dayText(test.until))
		return
	}
	own, all, habit := test.rate(byShare), test.rate(byAll), test.rate(byHabit)
	better := test.better()
	r.Tested = &clientele.ModelTested{From: midnight(test.until + 1), To: midnight(test.last), Customers: int64(test.people), Better: better}
	r.Summary = append(r.Summary,
		fmt.Sprintf("Learned from %s up to %s, the preferred %s was among those of the next day for %s of %d people.", c.Behind, dayText(test.until), c.Of, percent(own), test.people),
		fmt.Sprintf("The most common of all (%s) was for %s, what each had chosen most often for %s.", c.Names[test.common], percent(all), percent(habit)))
	for k, name := range []string{"shrunken share", "the most common of all", "what each chose most often"} {
		r.Measures = append(r.Measures, clientele.ModelMeasure{Name: name, Naive: k > 0, Values: map[string]float64{"hit_rate": Rounded(test.rate(k))}})
	}
	t.Version.Metrics = map[string]float64{"hit_rate": Rounded(own), "naive_hit_rate": Rounded(all), "habit_hit_rate": Rounded(habit)}
	t.reliable(test)
	switch {
	case !better && test.ahead(byAll) <= byChance:
		r.Quality, t.Hold = poor, fmt.Sprintf("the most common %s of all was right as often, but for chance", c.Of)
	case !better:
		r.Quality, t.Hold = poor, "what each chose most often was right more often"
	case own >= 1.2*all:
		r.Quality = good
	default:
		r.Quality = fair
	}
}

// reliable sets the shares that were said beside those of people whose next day had the choice, by groups of like shares.
func (t *Trained) reliable(test *choiceTest) {
	order := make([]int, test.people)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(test.said[a], test.said[b]) })
	groups := min(10, test.people/10)
	for g := range groups {
		some := order[g*test.people/groups : (g+1)*test.people/groups]
		bin := clientele.ModelBin{Name: fmt.Sprintf("group %d of %d", g+1, groups), People: int64(len(some))}
		for _, i := range some {
			bin.Said += test.said[i] / float64(len(some))
			if test.came[i] {
				bin.Came += 1 / float64(len(some))
			}
		}
		bin.Said, bin.Came = Rounded(bin.Said), Rounded(bin.Came)
		t.Report.Calibration = append(t.Report.Calibration, bin)
	}
}

// mostGroups is of how many choices the report tells.
const mostGroups = 30

// preferred says how many people prefer what.
func (t *Trained) preferred(c *Choices, a *choiceArtefact) {
	taste := shrink.NewTaste(a.Priors, interval)
	people, all := make([]int64, len(c.Names)), 0
	c.people(func(_ int64, chosen []shrink.Chosen) {
		days, own := shrink.Days(chosen)
		people[taste.Likeliest(days, own, 1)[0].Choice]++
		all++
	})
	for i, name := range c.Names {
		if i < mostGroups || c.Hours {
			p := a.Priors[i]
			t.Report.Groups = append(t.Report.Groups, clientele.ModelGroup{Name: name, People: people[i], Share: Rounded(float64(people[i]) / float64(all)),
				Values: map[string]float64{"share_of_all": Rounded(p.Mean()), "a": Rounded(p.A), "b": Rounded(p.B)}})
		}
	}
	slices.SortStableFunc(t.Report.Groups, func(a, b clientele.ModelGroup) int { return cmp.Compare(b.People, a.People) })
}

// ScoreChoice tells what each of the people prefers, and what is chosen otherwise than at the training. The choices are in the terms of what was
// learned.
func ScoreChoice(artefact []byte, c *Choices, ranks []float64) (*Scores, []string, error) {
	var a choiceArtefact
	if err := decode(artefact, &a); err != nil {
		return nil, nil, err
	}
	out := &Scores{}
	var share, low, high, index, hours []float64
	var choices, seconds, days []string
	taste := shrink.NewTaste(a.Priors, interval)
	onDays := shrink.NewTaste(a.Weekdays, interval)
	var weekdays []shrink.Chosen
	c.people(func(profile int64, chosen []shrink.Chosen) {
		n, own := shrink.Days(chosen)
		best := taste.Likeliest(n, own, 2)
		p := best[0]
		out.Profiles = append(out.Profiles, profile)
		share, low, high, index = append(share, Rounded(p.Mean)), append(low, Rounded(p.Low)), append(high, Rounded(p.High)), append(index, Rounded(p.Index))
		if !a.Hours {
			choices, seconds = append(choices, a.Names[p.Choice]), append(seconds, a.Names[best[1].Choice])
			return
		}
		hours = append(hours, float64(p.Choice))
		if len(a.Weekdays) == 0 {
			return
		}
		weekdays = weekdays[:0]
		for _, x := range chosen {
			weekdays = append(weekdays, shrink.Chosen{Choice: weekdayOf(x.Day), Day: x.Day})
		}
		n, own = shrink.Days(weekdays)
		days = append(days, time.Weekday(onDays.Likeliest(n, own, 1)[0].Choice).String())
	})
	places := percentiles(share, ranks)
	for i := range places {
		places[i] = Rounded(places[i])
	}
	numbers := []Column{{Name: "share", Numbers: share}, {Name: "low", Numbers: low}, {Name: "high", Numbers: high}, {Name: "index", Numbers: index}, {Name: "percentile", Numbers: places}}
	if a.Hours {
		out.Columns = append(numbers, Column{Name: "hour", Numbers: hours})
		if len(a.Weekdays) > 0 {
			out.Columns = append(out.Columns, Column{Name: "weekday", Texts: days})
		}
	} else {
		out.Columns = append(numbers, Column{Name: "choice", Texts: choices}, Column{Name: "second", Texts: seconds})
	}
	if ranks != nil {
		return out, nil, nil
	}
	return out, a.moved(c), nil
}

// lately are the shares of what was chosen in the last days, all else at the end.
func (c *Choices) lately() []float64 {
	out, all := make([]float64, len(c.Names)+1), 0.0
	for _, x := range c.Chosen {
		if x.Day > c.Last-watchDays && x.Day <= c.Last {
			place := int(x.Choice)
			if place < 0 {
				place = len(c.Names)
			}
			out[place]++
			all++
		}
	}
	for i := range out {
		out[i] /= max(all, 1)
	}
	return out
}

// moved says whether other things are chosen than at the training, by the population stability index of the last days.
func (a *choiceArtefact) moved(c *Choices) []string {
	now := c.lately()
	if len(c.Chosen) < fewestWatched || len(now) != len(a.Lately) {
		return nil
	}
	const least = 1e-4 // of a choice that nobody made
	psi := 0.0
	for i := range now {
		was, is := max(a.Lately[i], least), max(now[i], least)
		psi += (is - was) * math.Log(is/was)
	}
	if psi < 0.25 {
		return nil
	}
	return []string{fmt.Sprintf("Since the training which %s is chosen has moved (stability index %.2f, much above 0.25): train again, and believe the scores less until then.", a.Of, psi)}
}
