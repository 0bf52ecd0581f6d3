package api

import (
	"context"

	"clientele"
	"clientele/internal/role"
	"clientele/internal/token"
)

// need is what an operation asks of a role. Tokens without a role are asked for the operation's scope alone.
type need struct {
	right role.Right
	clear bool // the role sees people's data as it is: what comes out, or what can be found out, cannot be masked
	asks  bool // what it asks is looked at: who does not see personal fields may not ask by them
}

// rights are the needs of all operations. One that is not here is for admins alone, and a test fails.
var rights = map[string]need{
	"who-am-i":        {right: role.Self},
	"change-password": {right: role.Self},

	"get-status":           {right: role.Figures},
	"get-pulse":            {right: role.Figures},
	"stream-pulse":         {right: role.Figures},
	"get-digests":          {right: role.Figures},
	"list-audiences":       {right: role.Figures},
	"get-audience":         {right: role.Figures},
	"audience-overlap":     {right: role.Figures, asks: true},
	"preview-audience":     {right: role.Figures, asks: true},
	"preview-progress":     {right: role.Figures},
	"list-values":          {right: role.Figures, asks: true},
	"list-percentiles":     {right: role.Figures},
	"list-computed-traits": {right: role.Figures},
	"get-computed-trait":   {right: role.Figures},
	"get-lifecycle":        {right: role.Figures},
	"explore":              {right: role.Figures, asks: true},
	"list-explore-fields":  {right: role.Figures},
	"list-saved":           {right: role.Figures},
	"get-saved":            {right: role.Figures},
	"answer-saved":         {right: role.Figures},
	"get-identity-rules":   {right: role.Figures},
	"list-sources":         {right: role.Figures},
	"get-identity-health":  {right: role.Figures},
	"list-matching-runs":   {right: role.Figures},
	"list-plans":           {right: role.Figures},
	"get-plan":             {right: role.Figures},
	"list-transforms":      {right: role.Figures},
	"get-transform":        {right: role.Figures},
	"list-retention":       {right: role.Figures},
	"get-consent":          {right: role.Figures},
	"list-violations":      {right: role.Figures},
	"list-properties":      {right: role.Figures},
	"list-drift":           {right: role.Figures},
	"list-volumes":         {right: role.Figures},
	"list-freshness":       {right: role.Figures},
	"get-touchpoints":      {right: role.Figures},
	"get-minimisation":     {right: role.Figures},
	"list-quality-acts":    {right: role.Figures},

	"search-profiles":        {right: role.People},
	"get-profile":            {right: role.People},
	"lookup-profile":         {right: role.People},
	"name-profiles":          {right: role.People},
	"list-profile-events":    {right: role.People},
	"get-profile-summary":    {right: role.People},
	"get-profile-identity":   {right: role.People},
	"audience-members":       {right: role.People},
	"audience-moves":         {right: role.People},
	"audience-suppressed":    {right: role.People},
	"explore-people":         {right: role.People, asks: true},
	"preview-computed-trait": {right: role.People, asks: true},
	"list-match-reviews":     {right: role.People},

	"stream-events":     {right: role.Records},
	"list-quarantine":   {right: role.Records},
	"test-plan":         {right: role.Records},
	"test-transform":    {right: role.Records, clear: true}, // an expression can write a field under another name
	"simulate-identity": {right: role.Records},

	"record-consent":       {right: role.Serve},
	"merge-profiles":       {right: role.Serve},
	"unmerge-profiles":     {right: role.Serve},
	"decide-match-reviews": {right: role.Serve},

	"set-saved":    {right: role.Contribute, asks: true},
	"delete-saved": {right: role.Contribute},

	"set-audience":          {right: role.Audiences, asks: true},
	"set-audience-owner":    {right: role.Audiences},
	"approve-audience":      {right: role.Approve},
	"withdraw-draft":        {right: role.Contribute}, // its author, and who may approve
	"list-comments":         {right: role.Figures},
	"comment-audience":      {right: role.Contribute},
	"delete-comment":        {right: role.Contribute}, // one's own
	"delete-audience":       {right: role.Audiences},
	"upload-audience":       {right: role.Audiences, clear: true}, // who is on a list of addresses
	"refresh-audience":      {right: role.Audiences},
	"explore-audience":      {right: role.Audiences, asks: true},
	"refresh-percentiles":   {right: role.Audiences},
	"set-computed-trait":    {right: role.Audiences, asks: true},
	"delete-computed-trait": {right: role.Audiences},
	"set-lifecycle":         {right: role.Audiences, asks: true},
	"end-lifecycle":         {right: role.Audiences},

	"list-models":         {right: role.Figures},
	"get-model":           {right: role.Figures},
	"list-model-versions": {right: role.Figures},
	"get-model-report":    {right: role.Figures},
	"get-model-baseline":  {right: role.Figures},
	"create-model":        {right: role.Data, asks: true},
	"set-model":           {right: role.Data, asks: true},
	"delete-model":        {right: role.Data},
	"train-model":         {right: role.Data},
	"cancel-model":        {right: role.Data},
	"promote-model":       {right: role.Data},
	"roll-back-model":     {right: role.Data},

	"list-actions":          {right: role.Figures},
	"decision-report":       {right: role.Figures},
	"recommend-status":      {right: role.Figures},
	"recommend-item":        {right: role.Figures},
	"recommend-session":     {right: role.Figures},
	"list-enrichment":       {right: role.Figures},
	"recommend-profile":     {right: role.People},
	"decide":                {right: role.People},
	"plan-spend":            {right: role.People, asks: true},
	"decision-outcome":      {right: role.Serve},
	"set-action":            {right: role.Audiences, asks: true},
	"delete-action":         {right: role.Audiences},
	"train-recommendations": {right: role.Data},
	"enrich":                {right: role.Data, clear: true}, // who is on a list of addresses
	"end-enrichment":        {right: role.Data},

	"propose-plan":         {right: role.Data},
	"set-plan":             {right: role.Data},
	"delete-plan":          {right: role.Data},
	"set-transform":        {right: role.Data, clear: true},
	"delete-transform":     {right: role.Data, clear: true},
	"stop-collecting":      {right: role.Data},
	"replay-quarantine":    {right: role.Data},
	"start-matching":       {right: role.Data},
	"approve-matching-run": {right: role.Approve},
	"discard-matching-run": {right: role.Data},
	"import":               {right: role.Data},

	"query": {right: role.SQL}, // Querier masks it

	"export":           {right: role.Export, clear: true},
	"export-with-body": {right: role.Export, clear: true},
	"list-exports":     {right: role.Export},
	"get-export":       {right: role.Export},
	"start-export":     {right: role.Export, clear: true},
	"cancel-export":    {right: role.Export},

	"access-profile":    {right: role.Govern, clear: true},
	"erase-profile":     {right: role.Govern},
	"list-erasures":     {right: role.Govern},
	"get-erasure":       {right: role.Govern},
	"list-requests":     {right: role.Govern},
	"enter-request":     {right: role.Govern},
	"close-request":     {right: role.Govern},
	"set-retention":     {right: role.Govern},
	"delete-retention":  {right: role.Govern},
	"preview-retention": {right: role.Govern},
	"set-source":        {right: role.Govern},
	"end-source":        {right: role.Govern},
	"list-tokens":       {right: role.Govern},
	"create-token":      {right: role.Govern},
	"revoke-token":      {right: role.Govern},
	"list-users":        {right: role.Govern},
	"add-user":          {right: role.Govern},
	"change-user":       {right: role.Govern},
	"set-password":      {right: role.Govern},
	"delete-user":       {right: role.Govern},
	"list-audit":        {right: role.Govern},
	"verify-audit":      {right: role.Govern},
	"start-backup":      {right: role.Govern},
	"get-backup":        {right: role.Govern},
	"reload":            {right: role.Govern},
}

// needOf is the operation's need; decided is false for one that is not in the table.
func needOf(id string) (n need, decided bool) {
	if n, decided = rights[id]; !decided {
		n = need{right: role.Govern, clear: true}
	}
	return n, decided
}

// allowed says whether the principal may ask for the operation: by its role, else by the scope. Denied says why not.
func allowed(p token.Principal, scope token.Scope, n need) error {
	switch {
	case p.Role != "" && !p.Role.May(n.right):
		return clientele.Errorf(clientele.Denied, "the role %s has no right to %s", p.Role, n.right).WithHint("an admin can give another role: clientele user role NAME ROLE")
	case p.Role != "" && n.clear && p.Sight() != role.Clear:
		return clientele.Errorf(clientele.Denied, "the role %s does not see personal data, which this would show", p.Role).WithHint("ask somebody who does")
	case p.Role == "" && !p.May(scope):
		return clientele.Errorf(clientele.Denied, "the token lacks the scope %s", scope).
			WithHint("make one with: clientele token create NAME --scope %s", scope)
	}
	return nil
}

// asked refuses what the principal may not ask by.
func (a *API) asked(ctx context.Context, n need, in any) error {
	p := principalOf(ctx)
	if !n.asks || p.Role == "" {
		return nil
	}
	if p.Role.MaskedSQL() && role.AsksSQL(in) {
		return clientele.Errorf(clientele.Denied, "the role %s may not make audiences by SQL, which reads everything", p.Role).WithHint("write a definition instead")
	}
	if p.Sight() == role.Clear {
		return nil
	}
	if field := a.o.Personal.Asks(in); field != "" {
		return mayNotName(p, field)
	}
	return nil
}

func mayNotName(p token.Principal, field string) error {
	return clientele.Errorf(clientele.Denied, "the role %s may not ask by %q: it is, or can hold, personal data", p.Role, field).WithHint("leave it out, or ask somebody who sees personal data")
}

// shown is what of the answer the principal sees.
func shown[O any](ctx context.Context, a *API, out *O) *O {
	p := principalOf(ctx)
	if p.Sight() == role.Clear || out == nil {
		return out
	}
	return a.o.Personal.Mask(p.Sight(), out).(*O)
}

// showing is what of people's data a stream shows the principal.
func (a *API) showing(p token.Principal) func(any) any {
	return func(v any) any { return a.o.Personal.Mask(p.Sight(), v) }
}
