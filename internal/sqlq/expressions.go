package sqlq

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"clientele"
)

// expression walks an expression by its class. Classes not named here are refused.
func (g *gate) expression(n map[string]any, class any, sc *scope, depth int) (size, error) {
	switch class {
	case "CONSTANT", "COLUMN_REF", "CAST", "COMPARISON", "CONJUNCTION", "OPERATOR", "CASE", "BETWEEN", "STAR",
		"PARAMETER", "COLLATE", "LAMBDA", "LAMBDA_REF", "POSITIONAL_REFERENCE":
		return g.fields(n, sc, depth)
	case "SUBQUERY":
		return g.fields(n, sc, depth)
	case "FUNCTION", "WINDOW":
		if err := g.function(n); err != nil {
			return size{}, at(n, "42883", err)
		}
		return g.fields(n, sc, depth)
	}
	kind, _ := class.(string)
	return size{}, unknown(kind)
}

func (g *gate) function(n map[string]any) error {
	name := strings.ToLower(text(n, "function_name"))
	if schema := text(n, "schema"); text(n, "catalog") != "" || schema != "" && schema != "main" {
		return deniedFunction(schema+"."+name, "")
	}
	if allowed(name) || g.more[name] {
		return bounded(name, n)
	}
	switch name {
	case "range", "generate_series":
		return deniedFunction(name, "write it in FROM: select d from generate_series(1, 10) as t(d)")
	case "repeat", "printf", "format":
		return deniedFunction(name, "it makes texts of any length; use ||, lpad or concat")
	}
	return deniedFunction(name, "")
}

func deniedFunction(name, hint string) error {
	if len(name) > 80 {
		name = name[:80] + "…"
	}
	e := clientele.Errorf(clientele.Denied, "function %q is not allowed in queries", name)
	if hint == "" {
		if near := nearest(name, Functions()); near != "" {
			hint = "did you mean " + near + "?"
		}
	}
	if hint != "" {
		return e.WithHint("%s", hint)
	}
	return e
}

// bounded refuses the calls whose result is far larger than their arguments: no memory limit
// of the engine holds inside one function call.
func bounded(name string, n map[string]any) error {
	args, _ := n["children"].([]any)
	switch name {
	case "lpad", "rpad":
		if len(args) >= 2 {
			if v, ok := integer(args[1]); !ok || v > 1000 {
				return clientele.Errorf(clientele.Denied, "the length for %s must be a number up to 1000", name)
			}
		}
	case "replace", "regexp_replace":
		if len(args) >= 3 {
			if c, ok := constant(args[2]); !ok || len(c) > 100 {
				return clientele.Errorf(clientele.Denied, "the third argument of %s must be a text of at most 100 characters", name)
			}
		}
	}
	return nil
}

func constant(v any) (string, bool) {
	n, _ := v.(map[string]any)
	value, ok := n["value"].(map[string]any)
	if text(n, "class") != "CONSTANT" || !ok {
		return "", false
	}
	s, ok := value["value"].(string)
	return s, ok
}

func integer(v any) (int64, bool) {
	n, _ := v.(map[string]any)
	value, _ := n["value"].(map[string]any)
	number, ok := value["value"].(json.Number)
	if text(n, "class") != "CONSTANT" || !ok {
		return 0, false
	}
	i, err := number.Int64()
	return i, err == nil
}

func allowed(name string) bool {
	for _, group := range functionGroups() {
		for len(group) > 0 {
			var f string
			if f, group, _ = strings.Cut(group, " "); f == name && f != "" {
				return true
			}
		}
	}
	return false
}

// Functions is the sorted list of the functions that queries may call.
func Functions() []string {
	all := map[string]bool{}
	for _, group := range functionGroups() {
		for _, f := range strings.Fields(group) {
			all[f] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Prelude names the macros that every engine has under the same name.
const Prelude = "json_texts json_has json_num json_bool json_text json_merge day_in month_in utc_time div re_match fmt_ym sha256_hex"

// functionGroups are the allowed functions by kind, separated by single spaces. None reads
// files, settings, the environment or the catalog, keeps state, or makes a result of any size
// from nothing.
func functionGroups() []string {
	return []string{
		Prelude,
		"+ - * / // % ** ^ & | ~ << >> ! || -> ->> ~~ !~~ ~~* !~~* ~~~ ^@ @> <@ && @",
		"abs ceil ceiling floor round round_even even trunc sign sqrt cbrt power pow exp ln log log2 log10 mod fmod fdiv gcd lcm pi random isnan isinf isfinite " +
			"sin cos tan asin acos atan atan2 sinh cosh tanh cot degrees radians greatest least add subtract multiply divide xor bit_count factorial gamma lgamma signbit nextafter",
		"lower upper lcase ucase length len strlen char_length character_length octet_length trim ltrim rtrim left right substr substring substring_grapheme left_grapheme right_grapheme " +
			"position strpos instr contains starts_with prefix ends_with suffix concat concat_ws replace reverse split split_part string_split str_split string_to_array " +
			"regexp_matches regexp_extract regexp_extract_all regexp_replace regexp_full_match regexp_split_to_array string_split_regex regexp_escape like_escape ilike_escape not_like_escape not_ilike_escape " +
			"lpad rpad ascii chr ord unicode translate strip_accents nfc_normalize md5 sha256 sha1 hash hex to_hex from_hex unhex base64 to_base64 from_base64 encode decode url_encode url_decode " +
			"levenshtein editdist3 damerau_levenshtein jaccard jaro_similarity jaro_winkler_similarity hamming mismatches format_bytes array_slice array_extract parse_path parse_filename",
		"now current_timestamp current_date today get_current_timestamp get_current_time transaction_timestamp date_trunc datetrunc date_part datepart extract date_diff datediff date_sub datesub date_add age " +
			"year month day hour minute second millisecond microsecond quarter week weekofyear weekday dayofweek isodow dayofmonth dayofyear yearweek isoyear decade century epoch epoch_ms epoch_us epoch_ns " +
			"dayname monthname last_day make_date make_time make_timestamp make_timestamptz strftime strptime try_strptime time_bucket to_timestamp timezone julian " +
			"to_years to_quarters to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds timezone_hour timezone_minute",
		"coalesce nullif ifnull if typeof try row struct_pack struct_extract struct_extract_at struct_keys struct_values map map_extract map_extract_value map_keys map_values map_entries map_from_entries element_at map_contains cardinality " +
			"list_value array_value list_transform array_transform apply list_apply array_apply list_filter filter array_filter list_contains list_has array_contains array_has list_has_any list_has_all array_has_any array_has_all " +
			"list_position list_indexof array_position array_indexof list_distinct array_distinct list_unique array_unique list_sort array_sort list_reverse_sort list_reverse array_reverse list_slice list_extract list_element " +
			"list_concat list_cat array_concat array_cat list_append list_prepend array_append array_prepend array_length list_aggregate list_aggr array_aggregate list_sum list_avg list_min list_max list_count list_first list_last list_any_value " +
			"list_median list_mode list_string_agg array_to_string list_zip array_zip flatten list_intersect array_intersect list_where list_select list_stddev_pop list_stddev_samp unnest list_product list_bool_and list_bool_or",
		"json_extract json_extract_path json_extract_string json_extract_path_text json_value json_exists json_contains json_array_length json_keys json_type json_valid json_structure json_object json_array json_quote " +
			"json_merge_patch json_transform from_json json_transform_strict from_json_strict to_json array_to_json row_to_json json_group_array json_group_object json_pretty json",
		"count count_star count_if countif sum sumkahan fsum kahan_sum avg mean min max any_value first last arbitrary arg_min arg_max argmin argmax min_by max_by arg_min_null arg_max_null string_agg group_concat listagg list array_agg bool_and bool_or bit_and bit_or bit_xor product " +
			"median mode quantile quantile_cont quantile_disc percentile_cont percentile_disc approx_count_distinct approx_quantile approx_top_k reservoir_quantile histogram stddev stddev_pop stddev_samp variance var_pop var_samp " +
			"corr covar_pop covar_samp regr_slope regr_intercept regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_syy regr_sxy skewness kurtosis kurtosis_pop entropy mad favg grouping grouping_id sem",
		"row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value fill",
	}
}
