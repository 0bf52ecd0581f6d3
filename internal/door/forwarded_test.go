package door_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"clientele"
	"clientele/internal/door"
)

func proxies(t testing.TB, list ...string) []netip.Prefix {
	t.Helper()
	p, err := door.ParseProxies(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestClientIP(t *testing.T) {
	none := []string{}
	local := []string{"10.0.0.0/8", "127.0.0.1", "fd00::/8"}
	for _, c := range []struct {
		name, peer string
		trusted    []string
		xff, rfc   []string
		want       string
	}{
		{"direct", "203.0.113.7:99", none, nil, nil, "203.0.113.7"},
		{"direct IPv6", "[2001:db8::7]:99", none, nil, nil, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.7]:99", none, nil, nil, "203.0.113.7"},
		{"with a zone", "[fe80::1%eth0]:99", none, nil, nil, "fe80::1"},
		{"no address", "@", none, nil, nil, ""},
		{"nobody is trusted", "203.0.113.7:99", none, []string{"198.51.100.1"}, []string{"for=198.51.100.1"}, "203.0.113.7"},
		{"another peer", "203.0.113.7:99", local, []string{"198.51.100.1"}, []string{"for=198.51.100.1"}, "203.0.113.7"},
		{"the proxy itself", "10.1.2.3:99", local, nil, nil, "10.1.2.3"},
		{"one hop", "10.1.2.3:99", local, []string{"198.51.100.1"}, nil, "198.51.100.1"},
		{"what the client wrote before", "10.1.2.3:99", local, []string{"192.0.2.66, 198.51.100.1"}, nil, "198.51.100.1"},
		{"proxies behind proxies", "127.0.0.1:99", local, []string{"192.0.2.66, 198.51.100.1, 10.0.0.2, fd00::5"}, nil, "198.51.100.1"},
		{"several headers", "127.0.0.1:99", local, []string{"192.0.2.66", "198.51.100.1, 10.0.0.2", "10.0.0.3"}, nil, "198.51.100.1"},
		{"all are proxies", "127.0.0.1:99", local, []string{"10.0.0.1, 10.0.0.2"}, nil, "10.0.0.1"},
		{"with a port", "127.0.0.1:99", local, []string{"198.51.100.1:4711"}, nil, "198.51.100.1"},
		{"IPv6", "127.0.0.1:99", local, []string{"2001:DB8::1"}, nil, "2001:db8::1"},
		{"IPv6 with a port", "127.0.0.1:99", local, []string{"[2001:db8::1]:4711"}, nil, "2001:db8::1"},
		{"IPv6 in brackets", "127.0.0.1:99", local, []string{"[2001:db8::1]"}, nil, "2001:db8::1"},
		{"trusted IPv4 in IPv6", "127.0.0.1:99", local, []string{"198.51.100.1, ::ffff:10.0.0.2"}, nil, "198.51.100.1"},
		{"hidden", "127.0.0.1:99", local, []string{"192.0.2.66, unknown"}, nil, ""},
		{"garbage before what counts", "127.0.0.1:99", local, []string{"<script>, 198.51.100.1"}, nil, "198.51.100.1"},
		{"only commas", "127.0.0.1:99", local, []string{" , ,"}, nil, "127.0.0.1"},
		{"too many hops", "127.0.0.1:99", local, []string{"198.51.100.1" + strings.Repeat(", 10.0.0.1", 40)}, nil, ""},

		{"RFC 7239", "127.0.0.1:99", local, nil, []string{"for=198.51.100.1;proto=https;by=10.0.0.1"}, "198.51.100.1"},
		{"RFC 7239, chain", "127.0.0.1:99", local, nil, []string{`for=192.0.2.66, For="198.51.100.1:99", for="[fd00::9]"`}, "198.51.100.1"},
		{"RFC 7239, IPv6", "127.0.0.1:99", local, nil, []string{`proto=http;for="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"RFC 7239, escaped", "127.0.0.1:99", local, nil, []string{`for="198.51.100\.1"`}, "198.51.100.1"},
		{"RFC 7239, a comma in quotes", "127.0.0.1:99", local, nil, []string{`for=198.51.100.1;host="a,for=192.0.2.66"`}, "198.51.100.1"},
		{"RFC 7239, hidden", "127.0.0.1:99", local, nil, []string{"for=198.51.100.1, for=_hidden"}, ""},
		{"RFC 7239, a hop without for", "127.0.0.1:99", local, nil, []string{"for=198.51.100.1, proto=https"}, ""},
		{"both alike", "127.0.0.1:99", local, []string{"198.51.100.1, 10.0.0.1"}, []string{"for=198.51.100.1"}, "198.51.100.1"},
		{"both, one made up", "127.0.0.1:99", local, []string{"198.51.100.1"}, []string{"for=192.0.2.66"}, ""},
		{"a network of everything", "203.0.113.7:99", []string{"0.0.0.0/0"}, []string{"198.51.100.1, 192.0.2.1"}, nil, "198.51.100.1"},
		{"a proxy by IPv4 in IPv6", "127.0.0.1:99", []string{"::ffff:127.0.0.0/104"}, []string{"198.51.100.1"}, nil, "198.51.100.1"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"], r.Header["Forwarded"] = c.xff, c.rfc
		if got := door.ClientIP(proxies(t, c.trusted...))(r); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestParseProxies(t *testing.T) {
	for _, bad := range []string{"", "localhost", "10.0.0.0/33", "10.0.0", "fe80::1%eth0", "10.0.0.1:80", "*"} {
		if p, err := door.ParseProxies([]string{bad}); clientele.ErrorCode(err) != clientele.Invalid || clientele.ErrorHint(err) == "" {
			t.Errorf("%q: %v, %v", bad, p, err)
		}
	}
	if p := proxies(t, "10.1.2.3/8", "::1"); p[0].String() != "10.0.0.0/8" || p[1].String() != "::1/128" {
		t.Errorf("%v", p)
	}
}

// FuzzClientIP: whatever headers say, the answer is an address or nothing, never a trusted
// proxy's while another is named behind it; and who is not trusted chooses nothing.
func FuzzClientIP(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.1", "")
	f.Add("", `for="[2001:db8::1]:99";by=_x, for="a\"b,c"`)
	f.Add("::ffff:1.2.3.4, [::1%lo]:1", `For=;;=,`)
	f.Add("1.2.3.4:", `for="\`)
	trusted := proxies(f, "10.0.0.0/8", "127.0.0.1")
	f.Fuzz(func(t *testing.T, xff, rfc string) {
		r := &http.Request{Header: http.Header{}, RemoteAddr: "203.0.113.7:1"}
		for name, v := range map[string]string{"X-Forwarded-For": xff, "Forwarded": rfc} {
			if v != "" {
				r.Header[name] = []string{v}
			}
		}
		if got := door.ClientIP(trusted)(r); got != "203.0.113.7" {
			t.Fatalf("a stranger chose %q", got)
		}
		r.RemoteAddr = "127.0.0.1:1"
		got := door.ClientIP(trusted)(r)
		if got == "" {
			return
		}
		if a, err := netip.ParseAddr(got); err != nil || a.Zone() != "" || a.Is4In6() {
			t.Fatalf("%q is no address", got)
		}
		// What a client writes before the proxy's own word changes nothing.
		if xff != "" && rfc == "" {
			r.Header.Set("X-Forwarded-For", xff+", 198.51.100.9")
			if got := door.ClientIP(trusted)(r); got != "198.51.100.9" {
				t.Fatalf("%q before the proxy's word changed it to %q", xff, got)
			}
		}
	})
}
