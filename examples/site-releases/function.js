// Lets a distribution of CloudFront serve one release of a site: publish-site and promote-site with `pointer: kvs:<store>` put each release
// into a folder of its own, and name the folder in the key value store.
//
// To be changed: FALLBACK, and where the step has other values than its defaults, KEY (`pointer: kvs:<store>/<key>`) and ASSET (`hashed`).
// Runtime cloudfront-js-2.0, associated with the key value store, for viewer requests.

import cf from 'cloudfront';

const KEY = 'release';

// What serves while the store cannot be read, which happens now and then (https://github.com/sst/sst/issues/6023): the folder of a release.
// Its name is the value of the key at the time: `aws cloudfront-keyvaluestore get-key`. What stands here is not taken away by its age.
const FALLBACK = 'v1.0.0~000000000000';

// What is named after its content is shared by all releases: a tab that was opened under the release before finds its files. The rule is
// that of publish-site without `hashed`: eight characters or more after `-` or `.`, with a digit or a capital, and not digits alone.
const ASSET = /[-.](?![0-9]+\.)(?:(?=[^.]*[0-9A-Z])[A-Za-z0-9_]{8,}|(?=[^.]*[A-Z])(?=[A-Za-z0-9_]*-)[A-Za-z0-9_-]{8})\./;

const store = cf.kvs();

async function handler(event) {
  const request = event.request;
  const uri = request.uri.endsWith('/') ? request.uri + 'index.html' : request.uri;
  const name = uri.slice(uri.lastIndexOf('/') + 1).replace(/^\.+/, '');
  if (ASSET.test(name) && !name.endsWith('.html')) {
    return request;
  }
  let release = FALLBACK;
  try {
    release = await store.get(KEY);
  } catch (error) {
    // The key is missing, or the store does not answer: the site stays up.
  }
  request.uri = '/r/' + release + uri;
  return request;
}
