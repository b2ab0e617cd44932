//! The closed vocabularies of CMCD: event, state, and the sorts of objects and streams.

macro_rules! tokens {
    ($(#[$about:meta])* $name:ident { $($(#[$says:meta])* $variant:ident = $token:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$says])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is written.
            pub fn token(self) -> &'static str {
                match self { $(Self::$variant => $token,)+ }
            }

            /// None for a token that this version does not know.
            pub fn from_token(token: &str) -> Option<Self> {
                match token { $($token => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

tokens! {
    /// Key `e`: why an event report was sent.
    Event {
        /// Another rendition was selected; carries `br`.
        BitrateChange = "bc",
        /// The player entered another state; carries `sta`.
        PlayState = "ps",
        /// The speed of playback changed; carries `pr`.
        PlaybackRate = "pr",
        /// Something failed; carries `ec`.
        Error = "e",
        /// The interval of the reports has passed.
        Interval = "t",
        /// Other content is played; carries `cid`.
        ContentId = "c",
        /// The player went out of sight, or came back; carries `bg`.
        Background = "b",
        /// The sound was turned off.
        Mute = "m",
        /// The sound was turned on.
        Unmute = "um",
        /// The player was made larger.
        Expand = "pe",
        /// The player was made smaller.
        Collapse = "pc",
        /// A response was received; carries `url`.
        Response = "rr",
        /// An advertisement started.
        AdStart = "as",
        /// An advertisement ended.
        AdEnd = "ae",
        /// A break for advertisements started.
        AdBreakStart = "abs",
        /// A break for advertisements ended.
        AdBreakEnd = "abe",
        /// The viewer skipped.
        Skip = "sk",
        /// An event of the application; carries `cen`.
        Custom = "ce",
    }
}

tokens! {
    /// Key `sta`: what the viewer sees the player do.
    State {
        /// Told to play, nothing shown yet.
        Starting = "s",
        /// Media is shown.
        Playing = "p",
        /// The position is being moved.
        Seeking = "k",
        /// Playback ran dry.
        Rebuffering = "r",
        /// Stopped on purpose.
        Paused = "a",
        /// Waits for something other than media.
        Waiting = "w",
        /// The content was played to its end.
        Ended = "e",
        /// An error ended playback.
        FatalError = "f",
        /// The viewer left before the end.
        Quit = "q",
        /// Media is loaded ahead of a start that may come.
        Preloading = "d",
    }
}

tokens! {
    /// Key `ot`, and the parameter that says what a number of an inner list is about.
    ObjectType {
        /// A manifest or playlist.
        Manifest = "m",
        /// Sound alone.
        Audio = "a",
        /// Pictures alone.
        Video = "v",
        /// Sound and pictures in one.
        Muxed = "av",
        /// The initialisation of a track.
        Init = "i",
        /// Captions or subtitles.
        Caption = "c",
        /// A timed text track of ISO BMFF.
        TimedText = "tt",
        /// A key, licence or certificate.
        Key = "k",
        /// Something else.
        Other = "o",
    }
}

tokens! {
    /// Key `sf`: how the stream is cut and announced.
    StreamingFormat {
        /// MPEG DASH.
        Dash = "d",
        /// HTTP Live Streaming.
        Hls = "h",
        /// Smooth Streaming.
        Smooth = "s",
        /// High Efficiency Streaming Protocol.
        Hesp = "e",
        /// Another one.
        Other = "o",
    }
}

tokens! {
    /// Key `st`: whether the content is still being made.
    StreamType {
        /// All of it exists.
        OnDemand = "v",
        /// It grows.
        Live = "l",
        /// It grows, and is delivered with low latency.
        LowLatencyLive = "ll",
    }
}
