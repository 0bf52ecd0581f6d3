package app

import (
	"context"
	"encoding/json"

	"clientele"
	"clientele/internal/audience"
	"clientele/internal/resolve"
)

// ofFile is by whom the audiences of the configuration are.
const ofFile = "config"

// readAudiences reads the configuration's audiences.
func (a *App) readAudiences() error {
	a.groups = map[string]clientele.Audience{}
	for i, g := range a.cfg.Audiences {
		wrong := func(err error) error {
			return clientele.Errorf(clientele.Invalid, "audiences[%d]: %w", i, err).WithHint("%s", clientele.ErrorHint(err))
		}
		where, err := json.Marshal(g.Where)
		if err != nil {
			return wrong(clientele.Errorf(clientele.Invalid, "where is no definition").WithHint("write a condition: {trait: country, op: eq, value: TH}"))
		}
		c, err := audience.Parse(where)
		if err == nil {
			err = audience.Executable(c)
		}
		if err != nil {
			return wrong(err)
		}
		if _, twice := a.groups[g.Name]; twice || g.Name == "" {
			return wrong(clientele.Errorf(clientele.Invalid, "its name is missing, or another's too").WithHint("give each a name of its own"))
		}
		a.groups[g.Name] = clientele.Audience{Name: g.Name, Description: g.Description, Where: audience.JSON(c)}
	}
	_, err := a.groupOrder()
	return err
}

// groupOrder are the names of the configuration's audiences, each behind those it refers to.
func (a *App) groupOrder() ([]string, error) {
	definitions := map[string]audience.Condition{}
	for name, g := range a.groups {
		c, err := audience.Parse(g.Where)
		if err != nil {
			return nil, err
		}
		definitions[name] = c
	}
	return audience.Order(definitions)
}

// tellAudiences puts the configuration's audiences into the log when they are not those in force, and
// ends those that it no longer has.
func (a *App) tellAudiences(ctx context.Context) error {
	have, err := resolve.LoadAudiences(a.rows)
	if err != nil {
		return err
	}
	there := map[string]clientele.AudienceInForce{}
	for _, x := range have {
		there[x.Name] = x
	}
	tell := func(b resolve.AudienceBody) error {
		_, err := a.append(ctx, clientele.CommandAudience, ofFile, b)
		if clientele.ErrorCode(err) == clientele.Unavailable { // a full log: those in force stay
			a.trouble.add("rules", "the configuration's audiences could not be put into the log: "+err.Error())
			return nil
		}
		return err
	}
	order, err := a.groupOrder()
	if err != nil {
		return err
	}
	for _, name := range order {
		g := a.groups[name]
		if x, ok := there[name]; ok && x.By == ofFile && x.Description == g.Description && string(x.Where) == string(g.Where) {
			continue
		}
		if err := tell(resolve.AudienceBody{Audience: g}); err != nil {
			return err
		}
	}
	if a.o.KeepRules {
		return nil
	}
	for _, x := range have {
		if _, stays := a.groups[x.Name]; x.By == ofFile && !stays {
			if err := tell(resolve.AudienceBody{Audience: clientele.Audience{Name: x.Name}, Delete: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// ofTheFile refuses to change over the API what the configuration says.
func (a *App) ofTheFile(name string) error {
	if _, is := a.groups[name]; is {
		return clientele.Errorf(clientele.Conflict, "the audience is in the configuration file").WithHint("change it there, and start again")
	}
	return nil
}
