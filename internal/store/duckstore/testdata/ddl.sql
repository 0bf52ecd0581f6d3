create table if not exists base.format (version integer not null);
create table if not exists base.position (commit_number bigint not null, log_position bigint not null);
create table if not exists base.moved (anchor_id bigint not null, profile_id bigint not null);
create table if not exists base.promoted (table_name varchar not null, column_name varchar not null, json_key varchar not null, type integer not null, ordinal integer not null);
create or replace macro main.json_texts(j) as from_json(j, '["VARCHAR"]');
create or replace macro main.json_has(j, v) as coalesce(list_contains(from_json(j, '["VARCHAR"]'), v), false);
create or replace macro main.json_num(j, k) as try_cast((j->>k) as double);
create or replace macro main.json_bool(j, k) as try_cast((j->>k) as boolean);
create or replace macro main.json_text(j, k) as (j->>k);
create or replace macro main.json_merge(a, b) as json_merge_patch(a, b);
create or replace macro main.utc_time(ts) as make_timestamp(epoch_us(ts));
create or replace macro main.day_in(ts, tz) as cast(ts at time zone tz as date);
create or replace macro main.month_in(ts, tz) as cast(date_trunc('month', ts at time zone tz) as date);
create or replace macro main.div(a, b) as a // b;
create or replace macro main.re_match(s, r) as regexp_matches(s, r);
create or replace macro main.fmt_ym(d) as strftime(d, '%Y-%m');
create or replace macro main.sha256_hex(s) as sha256(s);

create table if not exists base."events" (
    "anchor_id" bigint,
    "event_id" varchar,
    "profile_id" bigint,
    "ts" timestamptz,
    "received_at" timestamptz,
    "source" varchar,
    "type" varchar,
    "name" varchar,
    "anonymous_id" varchar,
    "user_id" varchar,
    "properties" json,
    "context" json,
    "$position" bigint
);
create or replace view main."events" as
select
    b."event_id",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."ts",
    b."received_at",
    b."source",
    b."type",
    b."name",
    b."anonymous_id",
    b."user_id",
    b."properties",
    b."context",
    b."odd_key",
    b."n",
    b."f",
    b."b",
    b."t",
    b."d",
    b."m",
    b."j",
    b."star"
from base."events" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."profiles" (
    "profile_id" bigint,
    "first_seen" timestamptz,
    "last_seen" timestamptz,
    "traits" json,
    "consent" json,
    "computed" json,
    "source" varchar,
    "predictions" json,
    "$position" bigint
);
create or replace view main."profiles" as
select
    b."profile_id",
    b."first_seen",
    b."last_seen",
    b."traits",
    b."consent",
    b."computed",
    b."source",
    b."predictions"
from base."profiles" b;

create table if not exists base."identifiers" (
    "anchor_id" bigint,
    "namespace" varchar,
    "value" varchar,
    "profile_id" bigint,
    "source" varchar,
    "verified" boolean,
    "first_seen" timestamptz,
    "last_seen" timestamptz,
    "$position" bigint
);
create or replace view main."identifiers" as
select
    b."namespace",
    b."value",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."source",
    b."verified",
    b."first_seen",
    b."last_seen"
from base."identifiers" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."orders" (
    "anchor_id" bigint,
    "order_id" varchar,
    "profile_id" bigint,
    "ts" timestamptz,
    "status" varchar,
    "revenue" decimal(18,4),
    "revenue_base" decimal(18,4),
    "discount" decimal(18,4),
    "shipping" decimal(18,4),
    "tax" decimal(18,4),
    "currency" varchar,
    "coupon" varchar,
    "sales_channel" varchar,
    "store" varchar,
    "agent" varchar,
    "shipping_method" varchar,
    "source" varchar,
    "$position" bigint
);
create or replace view main."orders" as
select
    b."order_id",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."ts",
    b."status",
    b."revenue",
    case when b.currency is null or b.currency = 'EUR' then b.revenue else try_cast(cast(b.revenue as double) * f.rate as decimal(18,4)) end as revenue_base,
    b."discount",
    b."shipping",
    b."tax",
    b."currency",
    b."coupon",
    b."sales_channel",
    b."store",
    b."agent",
    b."shipping_method",
    b."source"
from base."orders" b
left join base.moved m on m.anchor_id = b.anchor_id
left join (
    select date, currency, arg_min(rate, source) as rate
    from base.fx_rates where rate is not null
    group by date, currency
) f on f.currency = b.currency and f.date = date '1970-01-01' + cast(floor(epoch_us(b.ts) / 86400000000.0) as integer);

create table if not exists base."order_lines" (
    "anchor_id" bigint,
    "order_id" varchar,
    "line" varchar,
    "profile_id" bigint,
    "ts" timestamptz,
    "product_id" varchar,
    "sku" varchar,
    "name" varchar,
    "category" varchar,
    "size" varchar,
    "colour" varchar,
    "quantity" decimal(18,4),
    "price" decimal(18,4),
    "list_price" decimal(18,4),
    "unit_cost" decimal(18,4),
    "discount" decimal(18,4),
    "source" varchar,
    "$position" bigint
);
create or replace view main."order_lines" as
select
    b."order_id",
    b."line",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."ts",
    b."product_id",
    b."sku",
    b."name",
    b."category",
    b."size",
    b."colour",
    b."quantity",
    b."price",
    b."list_price",
    b."unit_cost",
    b."discount",
    b."source"
from base."order_lines" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."returns" (
    "anchor_id" bigint,
    "return_id" varchar,
    "order_id" varchar,
    "line" varchar,
    "profile_id" bigint,
    "ts" timestamptz,
    "sku" varchar,
    "quantity" decimal(18,4),
    "amount" decimal(18,4),
    "method" varchar,
    "reason" varchar,
    "source" varchar,
    "$position" bigint
);
create or replace view main."returns" as
select
    b."return_id",
    b."order_id",
    b."line",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."ts",
    b."sku",
    b."quantity",
    b."amount",
    b."method",
    b."reason",
    b."source"
from base."returns" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."payments" (
    "payment_id" varchar,
    "order_id" varchar,
    "ts" timestamptz,
    "method" varchar,
    "amount" decimal(18,4),
    "fee" decimal(18,4),
    "status" varchar,
    "source" varchar,
    "$position" bigint
);
create or replace view main."payments" as
select
    b."payment_id",
    b."order_id",
    b."ts",
    b."method",
    b."amount",
    b."fee",
    b."status",
    b."source"
from base."payments" b;

create table if not exists base."products" (
    "product_id" varchar,
    "sku" varchar,
    "name" varchar,
    "brand" varchar,
    "category" varchar,
    "size" varchar,
    "colour" varchar,
    "list_price" decimal(18,4),
    "unit_cost" decimal(18,4),
    "status" varchar,
    "source" varchar,
    "$position" bigint
);
create or replace view main."products" as
select
    b."product_id",
    b."sku",
    b."name",
    b."brand",
    b."category",
    b."size",
    b."colour",
    b."list_price",
    b."unit_cost",
    b."status",
    b."source"
from base."products" b;

create table if not exists base."prices" (
    "sku" varchar,
    "price" decimal(18,4),
    "valid_from" timestamptz,
    "valid_to" timestamptz,
    "source" varchar,
    "$position" bigint
);
create or replace view main."prices" as
select
    b."sku",
    b."price",
    b."valid_from",
    b."valid_to",
    b."source"
from base."prices" b;

create table if not exists base."inventory" (
    "sku" varchar,
    "location" varchar,
    "available" decimal(18,4),
    "expected_at" timestamptz,
    "as_of" timestamptz,
    "source" varchar,
    "$position" bigint
);
create or replace view main."inventory" as
select
    b."sku",
    b."location",
    b."available",
    b."expected_at",
    b."as_of",
    b."source"
from base."inventory" b;

create table if not exists base."fx_rates" (
    "date" date,
    "currency" varchar,
    "rate" double,
    "source" varchar,
    "$position" bigint
);
create or replace view main."fx_rates" as
select
    b."date",
    b."currency",
    b."rate",
    b."source"
from base."fx_rates" b;

create table if not exists base."loyalty_accounts" (
    "anchor_id" bigint,
    "loyalty_id" varchar,
    "profile_id" bigint,
    "tier" varchar,
    "points" decimal(18,4),
    "source" varchar,
    "$position" bigint
);
create or replace view main."loyalty_accounts" as
select
    b."loyalty_id",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."tier",
    b."points",
    b."source"
from base."loyalty_accounts" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."loyalty_ledger" (
    "row_id" varchar,
    "loyalty_id" varchar,
    "ts" timestamptz,
    "points" decimal(18,4),
    "reason" varchar,
    "source" varchar,
    "$position" bigint
);
create or replace view main."loyalty_ledger" as
select
    b."loyalty_id",
    b."ts",
    b."points",
    b."reason",
    b."source"
from base."loyalty_ledger" b;

create table if not exists base."conversations" (
    "anchor_id" bigint,
    "conversation_id" varchar,
    "profile_id" bigint,
    "channel" varchar,
    "direction" varchar,
    "started_at" timestamptz,
    "ended_at" timestamptz,
    "queue" varchar,
    "agent" varchar,
    "topic" varchar,
    "page" varchar,
    "order_id" varchar,
    "resolved" boolean,
    "csat" double,
    "cost" decimal(18,4),
    "source" varchar,
    "$position" bigint
);
create or replace view main."conversations" as
select
    b."conversation_id",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."channel",
    b."direction",
    b."started_at",
    b."ended_at",
    b."queue",
    b."agent",
    b."topic",
    b."page",
    b."order_id",
    b."resolved",
    b."csat",
    b."cost",
    b."source"
from base."conversations" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."messages" (
    "anchor_id" bigint,
    "message_id" varchar,
    "profile_id" bigint,
    "platform" varchar,
    "channel" varchar,
    "direction" varchar,
    "campaign" varchar,
    "journey" varchar,
    "step" varchar,
    "template" varchar,
    "ts" timestamptz,
    "status" varchar,
    "reason" varchar,
    "cost" decimal(18,4),
    "source" varchar,
    "$position" bigint
);
create or replace view main."messages" as
select
    b."message_id",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."platform",
    b."channel",
    b."direction",
    b."campaign",
    b."journey",
    b."step",
    b."template",
    b."ts",
    b."status",
    b."reason",
    b."cost",
    b."source"
from base."messages" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."decisions" (
    "anchor_id" bigint,
    "decision_id" varchar,
    "profile_id" bigint,
    "ts" timestamptz,
    "action" varchar,
    "runner_up" varchar,
    "propensity" double,
    "chance" double,
    "value" decimal(18,4),
    "cost" decimal(18,4),
    "segment" varchar,
    "place" varchar,
    "agent" varchar,
    "options" varchar,
    "outcome" varchar,
    "outcome_at" timestamptz,
    "reason" varchar,
    "revenue" decimal(18,4),
    "source" varchar,
    "$position" bigint
);
create or replace view main."decisions" as
select
    b."decision_id",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."ts",
    b."action",
    b."runner_up",
    b."propensity",
    b."chance",
    b."value",
    b."cost",
    b."segment",
    b."place",
    b."agent",
    b."options",
    b."outcome",
    b."outcome_at",
    b."reason",
    b."revenue",
    b."source"
from base."decisions" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."ad_spend" (
    "date" date,
    "platform" varchar,
    "campaign" varchar,
    "country" varchar,
    "impressions" bigint,
    "clicks" bigint,
    "cost" decimal(18,4),
    "currency" varchar,
    "source" varchar,
    "$position" bigint
);
create or replace view main."ad_spend" as
select
    b."date",
    b."platform",
    b."campaign",
    b."country",
    b."impressions",
    b."clicks",
    b."cost",
    b."currency",
    b."source"
from base."ad_spend" b;

create table if not exists base."consents" (
    "anchor_id" bigint,
    "profile_id" bigint,
    "identifier" varchar,
    "purpose" varchar,
    "channel" varchar,
    "granted" boolean,
    "ts" timestamptz,
    "source" varchar,
    "legal_basis" varchar,
    "jurisdiction" varchar,
    "text_version" varchar,
    "event_id" varchar,
    "expires_at" timestamptz,
    "$position" bigint
);
create or replace view main."consents" as
select
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."identifier",
    b."purpose",
    b."channel",
    b."granted",
    b."ts",
    b."source",
    b."legal_basis",
    b."jurisdiction",
    b."text_version",
    b."event_id",
    b."expires_at"
from base."consents" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."audience_members" (
    "audience" varchar,
    "profile_id" bigint,
    "entered_at" timestamptz,
    "exited_at" timestamptz,
    "entered_reason" varchar,
    "exited_reason" varchar,
    "source" varchar,
    "$position" bigint
);
create or replace view main."audience_members" as
select
    b."audience",
    b."profile_id",
    b."entered_at",
    b."exited_at",
    b."entered_reason",
    b."exited_reason",
    b."source"
from base."audience_members" b;

create table if not exists base."audience_lists" (
    "anchor_id" bigint,
    "audience" varchar,
    "profile_id" bigint,
    "added_at" timestamptz,
    "source" varchar,
    "$position" bigint
);
create or replace view main."audience_lists" as
select
    b."audience",
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."added_at",
    b."source"
from base."audience_lists" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."predictions" (
    "anchor_id" bigint,
    "profile_id" bigint,
    "model" varchar,
    "version" bigint,
    "as_of" timestamptz,
    "score" double,
    "outputs" json,
    "source" varchar,
    "$position" bigint
);
create or replace view main."predictions" as
select
    nullif(coalesce(m.profile_id, b.profile_id), 0) as profile_id,
    b."model",
    b."version",
    b."as_of",
    b."score",
    b."outputs",
    b."source"
from base."predictions" b
left join base.moved m on m.anchor_id = b.anchor_id;

create table if not exists base."lifecycle" (
    "profile_id" bigint,
    "stage" varchar,
    "entered_at" timestamptz,
    "left_at" timestamptz,
    "source" varchar,
    "$position" bigint
);
create or replace view main."lifecycle" as
select
    b."profile_id",
    b."stage",
    b."entered_at",
    b."left_at",
    b."source"
from base."lifecycle" b;

-- events.odd_key
(properties->>'$."odd \"key\" of ''ours''"')

-- events.n
case when try_cast((properties->>'$."n"') as double) = floor(try_cast((properties->>'$."n"') as double)) then try_cast((properties->>'$."n"') as bigint) end

-- events.f
case when isfinite(try_cast((properties->>'$."f"') as double)) then try_cast((properties->>'$."f"') as double) end

-- events.b
try_cast((properties->>'$."b"') as boolean)

-- events.t
case when epoch_us(try_cast((properties->>'$."t"') as timestamptz)) between -2208988800000000 and 7258118400000000 then try_cast((properties->>'$."t"') as timestamptz) end

-- events.d
case when try_cast((properties->>'$."d"') as date) between date '1900-01-01' and date '2200-01-01' then try_cast((properties->>'$."d"') as date) end

-- events.m
try_cast((properties->>'$."m"') as decimal(18,4))

-- events.j
cast((properties->'$."j"') as json)

-- events.star
(map_extract(json_transform(properties, '"MAP(VARCHAR, JSON)"'), '*')[1]->>'$')
