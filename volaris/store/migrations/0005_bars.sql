-- Daily bars; 503 rows a day, which stay.
CREATE TABLE bars (
    symbol text             NOT NULL CHECK (symbol <> ''),
    day    date             NOT NULL,
    source text             NOT NULL CHECK (source <> ''),
    low    double precision NOT NULL CHECK (low > 0),
    open   double precision NOT NULL CHECK (open >= low),
    close  double precision NOT NULL CHECK (close >= low),
    high   double precision NOT NULL CHECK (high >= open AND high >= close AND high < 'Infinity'),
    volume bigint           NOT NULL CHECK (volume >= 0),
    PRIMARY KEY (symbol, day, source)
);
