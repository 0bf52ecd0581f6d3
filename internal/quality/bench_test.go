package quality_test

import (
	"fmt"
	"testing"

	"clientele"
	"clientele/internal/quality"
	"clientele/internal/store/storetest"
)

const viewed = `{"type":"track","event":"Product Viewed","anonymousId":"anon-77","messageId":"track-1","properties":{"product_id":"p12","sku":"s12","category":"c1","price":12.5,"currency":"EUR","position":3},"context":{"ip":"203.0.113.7","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"locale":"en-US","page":{"path":"/shoes/hiking","referrer":"https://search.example/","search":"?q=boots","title":"Hiking boots","url":"https://shop.example/shoes/hiking?q=boots"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36","timezone":"Europe/Berlin"}}`

const viewedProperties = `{"product_id":"p12","sku":"s12","category":"c1","price":12.5,"currency":"EUR","position":3}`

// BenchmarkTally is what counting the properties of an event costs, without its commit.
func BenchmarkTally(b *testing.B) {
	t := quality.NewTally(storetest.NewMemory())
	if err := t.Reset(); err != nil {
		b.Fatal(err)
	}
	names, members := make([]string, 5), []quality.Member(nil)
	for i := range names {
		names[i] = fmt.Sprint("Event ", i)
	}
	n := 0
	for b.Loop() {
		n++
		members = quality.Members(members[:0], []byte(viewedProperties))
		if err := t.Saw("web", names[n%5], 20_000*24*3600*1_000_000, members); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRules is what an event costs that rules are not for, that a rule changes, and that a plan checks.
func BenchmarkRules(b *testing.B) {
	set := clientele.TransformRule{Name: "r", Events: []string{"Product Viewed"}, Steps: []clientele.TransformStep{{Op: clientele.TransformSet, Path: "properties.price", Value: "float(properties.price)"}}}
	rules := func(change func(*clientele.TransformRule)) *quality.Rules {
		r := set
		change(&r)
		book, err := (&quality.Book{}).WithTransform(r)
		if err != nil {
			b.Fatal(err)
		}
		return book.Rules()
	}
	for name, r := range map[string]*quality.Rules{
		"none":              nil,
		"of another source": rules(func(r *clientele.TransformRule) { r.Sources = []string{"app"} }),
		"of another event":  rules(func(r *clientele.TransformRule) { r.Events = []string{"Order"} }),
		"set":               rules(func(*clientele.TransformRule) {}),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r.Transform("web", []byte(viewed))
			}
		})
	}
	book, err := (&quality.Book{}).With(clientele.Plan{Name: "p", Events: map[string]clientele.PlanEvent{"Product Viewed": {Schema: clientele.RawJSON(
		`{"type":"object","required":["sku","price"],"properties":{"sku":{"type":"string"},"price":{"type":"number"},"currency":{"enum":["EUR","USD"]}}}`)}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("plan", func(b *testing.B) {
		for b.Loop() {
			if book.Rules().Check("web", "Product Viewed", []byte(viewedProperties)) != nil {
				b.Fatal("it breaks the plan")
			}
		}
	})
}
