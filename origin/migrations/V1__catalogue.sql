-- What can be shown, where and when, and who watched it.

create table titles (
    title    bigint primary key check (title between 0 and 4294967295),
    name     text not null,
    year     smallint check (year > 0),
    -- Youngest age the title is meant for, in years.
    maturity smallint not null check (maturity between 0 and 21),
    genres   text[] not null,
    -- The import that brought it: numbers of two sources mean different titles.
    source   text not null
);

create table regions (
    region text primary key check (region ~ '^[a-z0-9][a-z0-9_-]{0,31}$')
);

-- A title without a line may be shown in every region at any time.
create table licence_windows (
    title       bigint not null references titles,
    region      text not null references regions,
    shown_from  timestamptz not null default 'epoch',
    -- None: without end. Equal to shown_from: never.
    shown_until timestamptz,
    primary key (title, region),
    check (isfinite(shown_from) and (shown_until is null or isfinite(shown_until))),
    check (shown_until >= shown_from)
);

create table viewers (
    viewer bigint primary key check (viewer between 0 and 4294967295),
    region text not null references regions
);

-- One partition a day (a month where a history has too many days), made when its first event comes.
create table watch_events (
    viewer bigint not null,
    at     timestamptz not null,
    title  bigint not null,
    region text not null,
    rating real,
    source text not null,
    -- A history imported twice is stored once; also serves "what did this viewer watch since".
    constraint watch_events_viewer_at_title primary key (viewer, at, title, source)
) partition by range (at);

create index watch_events_title_region_at on watch_events (title, region, at);
