// Package objectstore is S3 and whatever speaks its protocol: objects below a prefix of a bucket.
// An object is there whole or not at all. The addresses that it speaks to are the configuration's
// alone, and no error of it holds a secret.
package objectstore

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"clientele"
)

// Options say which service, and who asks.
type Options struct {
	Endpoint     string // URL; "" = Amazon's
	Region       string // "" = the service is asked
	AccessKey    string
	SecretKey    string
	SessionToken string
	PathStyle    bool              // the bucket in the path, not in the host's name
	Transport    http.RoundTripper // nil = the default
}

// Store is a service. It is safe for use by several goroutines.
type Store struct{ client *minio.Client }

const amazon = "https://s3.amazonaws.com"

// Open makes a client; nothing is sent yet.
func Open(o Options) (*Store, error) {
	if o.AccessKey == "" || o.SecretKey == "" {
		return nil, clientele.Errorf(clientele.Invalid, "s3: there are no credentials").
			WithHint("set s3.access_key and s3.secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment")
	}
	if o.Endpoint == "" {
		o.Endpoint = amazon
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return nil, clientele.Errorf(clientele.Invalid, "s3: the endpoint is no address of a service").WithHint("for example https://s3.eu-central-1.amazonaws.com")
	}
	lookup := minio.BucketLookupAuto
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	c, err := minio.New(u.Host, &minio.Options{Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, o.SessionToken), Secure: u.Scheme == "https",
		Region: o.Region, BucketLookup: lookup, Transport: o.Transport, MaxRetries: 4})
	if err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "s3: the endpoint cannot be used").WithHint("for example https://s3.eu-central-1.amazonaws.com")
	}
	return &Store{c}, nil
}

// IsURL says whether a path names something in an object store.
func IsURL(path string) bool { return strings.HasPrefix(path, "s3://") }

// Split takes s3://BUCKET/KEY apart. Invalid when that is not its form or the key leads upwards.
func Split(address string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(address, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" || strings.ContainsAny(bucket, "?#@: ") {
		return "", "", clientele.Errorf(clientele.Invalid, "that is no address in an object store").WithHint("s3://BUCKET/PREFIX")
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == ".." || part == "." {
			return "", "", clientele.Errorf(clientele.Invalid, "the address holds . or .. as a part")
		}
	}
	return bucket, key, nil
}

// Bucket is the objects below a prefix.
type Bucket struct {
	client *minio.Client
	name   string
	prefix string // "" or with a / at its end
}

// Bucket is what lies below s3://BUCKET/PREFIX.
func (s *Store) Bucket(address string) (*Bucket, error) {
	name, prefix, err := Split(address)
	if err != nil {
		return nil, err
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &Bucket{s.client, name, prefix}, nil
}

// failed gives an error of the service its code.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	r := minio.ToErrorResponse(err)
	switch r.Code {
	case "NoSuchKey":
		return clientele.Errorf(clientele.NotFound, "s3: %s: there is no such object", what)
	case "NoSuchBucket":
		return clientele.Errorf(clientele.NotFound, "s3: %s: there is no such bucket", what).WithHint("make it, or name another")
	case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "AllAccessDisabled":
		return clientele.Errorf(clientele.Denied, "s3: %s: %s", what, r.Code).WithHint("check s3.access_key, s3.secret_key and what they may do in the bucket")
	case "":
		if r.StatusCode == http.StatusNotFound {
			return clientele.Errorf(clientele.NotFound, "s3: %s: there is no such object", what)
		}
		return clientele.Errorf(clientele.Unavailable, "s3: %s: %w", what, plain(err))
	}
	return clientele.Errorf(clientele.Unavailable, "s3: %s: %s", what, r.Code)
}

// plain is the error without the URL, whose query is signed.
func plain(err error) error {
	if u, ok := err.(*url.Error); ok {
		return u.Err
	}
	return err
}

// uploadPart is how much of an object is held in memory on its way: 10,000 of them are the largest.
const uploadPart = 16 << 20

// Object is one on its way. A small one is sent whole by Commit, a larger one in parts meanwhile.
type Object struct {
	ctx    context.Context
	bucket *Bucket
	name   string
	held   bytes.Buffer
	pipe   *io.PipeWriter // nil: all of it is held
	done   chan error
}

// Create begins an object, which is there when Commit has returned.
func (b *Bucket) Create(ctx context.Context, name string) (*Object, error) {
	return &Object{ctx: ctx, bucket: b, name: name}, nil
}

// put sends a signed MD5 of each request's body, which every service checks, and not the chunked
// signatures of S3, which some do not know.
func (o *Object) put(r io.Reader, size int64) error {
	_, err := o.bucket.client.PutObject(o.ctx, o.bucket.name, o.bucket.prefix+o.name, r, size,
		minio.PutObjectOptions{ContentType: mediaType(o.name), PartSize: uploadPart, SendContentMd5: true, DisableContentSha256: true})
	return failed("write "+path.Base(o.name), err)
}

func (o *Object) Write(p []byte) (int, error) {
	if o.pipe == nil && o.held.Len()+len(p) <= uploadPart {
		return o.held.Write(p)
	}
	if o.pipe == nil {
		var r *io.PipeReader
		r, o.pipe = io.Pipe()
		o.done = make(chan error, 1)
		head := bytes.NewReader(o.held.Bytes())
		o.held = bytes.Buffer{}
		go func() {
			err := o.put(io.MultiReader(head, r), -1)
			r.CloseWithError(err) // ends a Write that waits
			o.done <- err
		}()
	}
	return o.pipe.Write(p)
}

// Commit waits until the object is there.
func (o *Object) Commit() error {
	if o.pipe == nil {
		return o.put(bytes.NewReader(o.held.Bytes()), int64(o.held.Len()))
	}
	o.pipe.Close()
	return <-o.done
}

// Abort leaves nothing of the object.
func (o *Object) Abort() error {
	if o.pipe != nil {
		o.pipe.CloseWithError(context.Canceled)
		<-o.done // it says that it was aborted
	}
	return nil
}

func mediaType(name string) string {
	if strings.HasSuffix(name, ".json") {
		return "application/json"
	}
	return "application/octet-stream"
}

// Read is a small object.
func (b *Bucket) Read(ctx context.Context, name string) ([]byte, error) {
	r, err := b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, 64<<20))
	return text, failed("read "+path.Base(name), err)
}

// Open streams an object.
func (b *Bucket) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	o, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if err == nil {
		_, err = o.Stat()
	}
	return o, failed("read "+path.Base(name), err)
}

// Listed is an object of a listing, by its whole address.
type Listed struct {
	Address  string
	Size     int64
	Modified time.Time
}

// List are the objects that an address names, or a pattern with * and ? within parts of the key,
// in the order of their keys.
func (s *Store) List(ctx context.Context, pattern string) (out []Listed, err error) {
	bucket, key, err := Split(pattern)
	if err != nil {
		return nil, err
	}
	prefix := key
	if i := strings.IndexAny(key, `*?[\`); i >= 0 {
		prefix = key[:i]
	}
	if _, err := path.Match(key, ""); err != nil {
		return nil, clientele.Errorf(clientele.Invalid, "pattern %s: %w", pattern, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	for o := range s.client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, failed("list", o.Err)
		}
		if fits, _ := path.Match(key, o.Key); fits || o.Key == key {
			out = append(out, Listed{"s3://" + bucket + "/" + o.Key, o.Size, o.LastModified})
		}
	}
	return out, nil
}

// Open streams the object of an address.
func (s *Store) Open(ctx context.Context, address string) (io.ReadCloser, error) {
	bucket, key, err := Split(address)
	if err != nil {
		return nil, err
	}
	return (&Bucket{client: s.client, name: bucket}).Open(ctx, key)
}

// Size is an object's.
func (b *Bucket) Size(ctx context.Context, name string) (int64, error) {
	info, err := b.client.StatObject(ctx, b.name, b.prefix+name, minio.StatObjectOptions{})
	return info.Size, failed("look at "+path.Base(name), err)
}

// Clean ends uploads that were interrupted, and says whether there is no object below the prefix.
func (b *Bucket) Clean(ctx context.Context) (empty bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	for u := range b.client.ListIncompleteUploads(ctx, b.name, b.prefix, true) {
		if u.Err != nil { // not every key may list them, and some services cannot
			break
		}
		if err := b.client.RemoveIncompleteUpload(ctx, b.name, u.Key); err != nil {
			break
		}
	}
	for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true, MaxKeys: 1}) {
		return false, failed("list", o.Err)
	}
	return true, nil
}
