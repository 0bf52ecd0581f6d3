package main

import (
	"context"
	"fmt"
	"strings"

	"clientele"

	"github.com/spf13/cobra"
)

// recommendBackend is what the commands about recommendations work with.
type recommendBackend interface {
	RecommendFor(ctx context.Context, id clientele.Identifier, q clientele.RecommendQuery) (*clientele.Recommendations, error)
	RecommendWith(ctx context.Context, item string, q clientele.RecommendQuery) (*clientele.Recommendations, error)
	RecommendSession(ctx context.Context, items []string, q clientele.RecommendQuery) (*clientele.Recommendations, error)
	RecommendStatus(ctx context.Context) (*clientele.RecommendStatus, error)
	TrainRecommendations(ctx context.Context) (*clientele.RecommendStatus, error)
}

// needModel learns the model when the command has opened the directory itself: it is in memory alone.
func (p *platform) needModel(ctx context.Context) error {
	if s, err := p.app.RecommendStatus(ctx); err != nil || s.Trained != 0 {
		return err
	}
	_, err := p.app.TrainRecommendations(ctx)
	return err
}

func (p *platform) RecommendFor(ctx context.Context, id clientele.Identifier, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	if err := p.needModel(ctx); err != nil {
		return nil, err
	}
	v, err := p.app.RecommendFor(ctx, id, q)
	return v, p.acted("recommend-profile", p.about(id), err)
}

func (p *platform) RecommendWith(ctx context.Context, item string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	if err := p.needModel(ctx); err != nil {
		return nil, err
	}
	return p.app.RecommendWith(ctx, item, q)
}

func (p *platform) RecommendSession(ctx context.Context, items []string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
	if err := p.needModel(ctx); err != nil {
		return nil, err
	}
	return p.app.RecommendSession(ctx, items, q)
}

func (p *platform) RecommendStatus(ctx context.Context) (*clientele.RecommendStatus, error) {
	if err := p.needModel(ctx); err != nil {
		return nil, err
	}
	return p.app.RecommendStatus(ctx)
}

func (p *platform) TrainRecommendations(ctx context.Context) (*clientele.RecommendStatus, error) {
	v, err := p.app.TrainRecommendations(ctx)
	return v, p.acted("train-recommendations", "", err)
}

func (c *cli) recommendCommand() *cobra.Command {
	return c.group("recommend", "Products for people, visitors, and beside products, by the orders of the platform",
		c.recommendListCommand("profile NAMESPACE:VALUE", "Products for a person: new ones, and what is bought again", "recommend profile email:ann@example.com --limit 5", cobra.ExactArgs(1),
			func(ctx context.Context, b backend, args []string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
				id, err := identifier(ctx, b, args[0])
				if err != nil {
					return nil, err
				}
				return b.RecommendFor(ctx, id, q)
			}),
		c.recommendListCommand("item SKU", "Products that go with a product", "recommend item B-42", cobra.ExactArgs(1),
			func(ctx context.Context, b backend, args []string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
				return b.RecommendWith(ctx, args[0], q)
			}),
		c.recommendListCommand("session SKU...", "Products for a visitor who looked at these, the last one last", "recommend session B-42 T-7", cobra.MinimumNArgs(1),
			func(ctx context.Context, b backend, args []string, q clientele.RecommendQuery) (*clientele.Recommendations, error) {
				return b.RecommendSession(ctx, args, q)
			}),
		c.recommendStatusCommand("status", "How the model is, and how good it was on days it had not seen", backend.RecommendStatus),
		c.recommendStatusCommand("train", "Learn the model anew now", backend.TrainRecommendations))
}

func (c *cli) recommendListCommand(use, short, example string, args cobra.PositionalArgs, ask func(context.Context, backend, []string, clientele.RecommendQuery) (*clientele.Recommendations, error)) *cobra.Command {
	var q clientele.RecommendQuery
	var asJSON bool
	cmd := c.talks(c.command(use, short, example, args, func(ctx context.Context, args []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			r, err := ask(ctx, b, args, q)
			if err != nil {
				return err
			}
			t := rows("list", "item", "name", "category", "available", "why")
			for _, list := range []struct {
				name  string
				items []clientele.Recommendation
			}{{"new", r.New}, {"again", r.Again}} {
				for _, p := range list.items {
					available := ""
					if p.Available != nil {
						available = fmt.Sprint(*p.Available)
					}
					t.add(list.name, p.Item, p.Name, p.Category, available, p.Reason)
				}
			}
			return c.show(asJSON, r, t)
		})
	}))
	cmd.Flags().IntVar(&q.Limit, "limit", 10, "`N` products of each list")
	cmd.Flags().StringSliceVar(&q.Include, "include", nil, "only these `CATEGORIES`")
	cmd.Flags().StringSliceVar(&q.Exclude, "exclude", nil, "none of these `CATEGORIES`")
	cmd.Flags().IntVar(&q.PerCategory, "per-category", 0, "at most so many of one category")
	cmd.Flags().BoolVar(&q.SoldOut, "sold-out", false, "products that are out of stock too")
	return jsonFlag(cmd, &asJSON)
}

func (c *cli) recommendStatusCommand(use, short string, ask func(backend, context.Context) (*clientele.RecommendStatus, error)) *cobra.Command {
	var asJSON bool
	return jsonFlag(c.talks(c.command(use, short, "recommend "+strings.Fields(use)[0], cobra.NoArgs, func(ctx context.Context, _ []string) error {
		return c.with(ctx, func(ctx context.Context, b backend) error {
			s, err := ask(b, ctx)
			if err != nil {
				return err
			}
			if !asJSON {
				c.printf("learned %s from %s lines of %s customers, %s products, in %.1f s\n", stamp(s.Trained), thousands(int64(s.Lines)), thousands(int64(s.Customers)), thousands(int64(s.Products)), s.Seconds)
				if s.Error != "" {
					c.printf("the last training made no model: %s\n", s.Error)
				}
			}
			t := rows("list", "of ten", "people", "of ten bought", "bought one", "NDCG")
			for _, m := range s.Backtest {
				t.add(m.List, m.Name, thousands(int64(m.People)), fmt.Sprintf("%.4f", m.Precision), fmt.Sprintf("%.1f %%", 100*m.Hit), fmt.Sprintf("%.4f", m.NDCG))
			}
			return c.show(asJSON, s, t)
		})
	})), &asJSON)
}
