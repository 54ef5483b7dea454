import type { SecretPem } from '../../base/pem.ts';
import type { Reach } from '../../deliver/transport/transport.ts';
import { below, isList, isMap, type JsonMap } from '../../render/json.ts';
import type { Json } from '../../spec/tree.ts';
import { type HttpAnswer, type HttpClient, openHttp } from './https-client.ts';
import { ProbeError } from './probe-error.ts';

export interface ApiOptions {
  readonly reach: Reach;
  /** IP address or name that the apiserver's certificate must hold. */
  readonly identity: string;
  /** PEM: whom the apiserver's certificate must come from. */
  readonly ca: string;
  /** PEM: who we are. */
  readonly cert: string;
  readonly key: SecretPem;
  /** What messages call it; default `the apiserver`. */
  readonly what?: string;
}

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: Json;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** How long all of it may take; default 15. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  /** Over a connection of its own. */
  readonly fresh?: boolean;
}

export interface ApiAnswer {
  readonly status: number;
  /** As JSON; undefined where the answer is something else (`ok` of /readyz). */
  readonly body: Json | undefined;
  readonly text: string;
}

export type CallOptions = Pick<ApiRequest, 'seconds' | 'signal'>;

interface ApplyOptions extends CallOptions {
  /** Takes over fields that somebody else manages, instead of failing with `Conflict`. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** Default `bootstrap`. */
  readonly fieldManager?: string;
}

/** Kubernetes objects as JSON. Paths are those of the API: `/api/v1/namespaces/kube-system/configmaps/x`. */
export interface ApiClient {
  readonly what: string;
  /** Every answer, whatever its status. @throws ProbeError where there is none; the signal's reason where aborted */
  request(method: string, path: string, options?: ApiRequest): Promise<ApiAnswer>;
  /** Undefined where there is no such object. @throws ProbeError, as all that follow */
  get(path: string, options?: CallOptions): Promise<JsonMap | undefined>;
  /** All objects of a collection, page by page; large ones need a smaller `limit` in the query than the 500 of a page. */
  list(path: string, options?: CallOptions & Pick<ApiRequest, 'query'>): Promise<readonly JsonMap[]>;
  /** Server-side apply: creates it or changes just the fields given. Gives the object as it is (or would be) then. */
  apply(path: string, object: JsonMap, options?: ApplyOptions): Promise<JsonMap>;
  /** Creates it; the path is that of the collection. Fails `AlreadyExists` where it is there. */
  post(path: string, object: JsonMap, options?: CallOptions & { readonly dryRun?: boolean }): Promise<JsonMap>;
  /** Whether there was something to delete. */
  delete(path: string, options?: CallOptions): Promise<boolean>;
  close(): void;
}

const PAGE = 500;

/** @throws ProbeError `tls` where certificate, key or CA cannot be used */
export function openApi({ reach, identity, ca, cert, key, what = 'the apiserver' }: ApiOptions): ApiClient {
  const http = openHttp({
    what,
    reach,
    tls: { server: { ca, identity }, client: { certificate: cert, key } },
  });
  const request: ApiClient['request'] = (method, path, options = {}) => send(http, method, path, options);
  const object = async (method: string, path: string, options: ApiRequest): Promise<JsonMap> => {
    const answer = await request(method, path, options);
    if (isGood(answer) && isMap(answer.body)) return answer.body;
    throw apiFailure(what, `${method} ${path}`, answer);
  };
  return {
    what,
    request,
    get: async (path, options = {}) => {
      const answer = await request('GET', path, options);
      if (isGood(answer) && isMap(answer.body)) return answer.body;
      if (isMissing(answer)) return undefined;
      throw apiFailure(what, `GET ${path}`, answer);
    },
    list: async (path, options = {}) => {
      const found: JsonMap[] = [];
      let next: string | undefined;
      do {
        const query = { limit: PAGE, ...options.query, continue: next };
        const page = await object('GET', path, { ...options, query });
        const items = below(page, 'items');
        found.push(...(isList(items) ? items.filter(isMap) : []));
        const mark = below(page, 'metadata', 'continue');
        next = typeof mark === 'string' && mark ? mark : undefined;
      } while (next);
      return found;
    },
    apply: (path, body, { force, dryRun, fieldManager = 'bootstrap', ...options } = {}) =>
      object('PATCH', path, {
        ...options,
        // YAML by name, of which JSON is a part
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager, force: force || undefined, dryRun: dryRun ? 'All' : undefined },
        body,
      }),
    post: (path, body, { dryRun, ...options } = {}) =>
      object('POST', path, {
        ...options,
        query: { fieldManager: 'bootstrap', dryRun: dryRun ? 'All' : undefined },
        body,
      }),
    delete: async (path, options = {}) => {
      const answer = await request('DELETE', path, options);
      if (isGood(answer)) return true;
      if (isMissing(answer)) return false;
      throw apiFailure(what, `DELETE ${path}`, answer);
    },
    close: () => http.close(),
  };
}

async function send(http: HttpClient, method: string, path: string, options: ApiRequest): Promise<ApiAnswer> {
  const { query = {}, body, contentType = 'application/json', seconds = 15, signal, fresh } = options;
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  const answer: HttpAnswer = await http.request({
    method,
    path: search ? `${path}?${search}` : path,
    headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': contentType }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    milliseconds: seconds * 1000,
    ...(signal && { signal }),
    ...(fresh && { fresh }),
  });
  return { ...answer, body: parsed(answer.text) };
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function isGood({ status }: ApiAnswer): boolean {
  return status >= 200 && status < 300;
}

/** The object is missing; a 404 without a Status is a path that nobody serves, or a server that is none of ours. */
function isMissing({ status, body }: ApiAnswer): boolean {
  return status === 404 && below(body, 'reason') === 'NotFound';
}

/** Kubernetes says why in an object of kind Status. */
function apiFailure(what: string, call: string, { status, body, text }: ApiAnswer): ProbeError {
  if (isGood({ status, body, text }))
    return new ProbeError(what, 'answer', `its answer to ${call} is not a JSON object`);
  const message = below(body, 'message');
  const reason = below(body, 'reason');
  const said = typeof message === 'string' && message ? message : text.trim().slice(0, 200);
  return new ProbeError(what, 'http', `it answers ${call} with ${status}${said && `: ${said}`}`, {
    status,
    ...(typeof reason === 'string' && { statusReason: reason }),
  });
}
