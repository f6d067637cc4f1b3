"""Spotify as an upgrade: everything works without it, and nothing breaks when it fails."""

from __future__ import annotations

from recommender.spotify.client import SpotifyClient
from recommender.spotify.endpoints import (
    ENDPOINTS,
    PLAY_SCOPES,
    SAVE_SCOPES,
    TASTE_SCOPES,
)
from recommender.spotify.errors import (
    EndpointGone,
    KeysRefused,
    NoActiveDevice,
    NotAllowed,
    OwnerNeedsPremium,
    PremiumNeeded,
    Refused,
    SaveUnconfirmed,
    ScopeMissing,
    SignInNeeded,
    SpotifyError,
    TooManyRequests,
    Unreachable,
)
from recommender.spotify.limits import SHARED, Limits
from recommender.spotify.types import Account, Device, OwnPlaylist, SpotifyArtist, SpotifyTrack

__all__ = [
    "ENDPOINTS",
    "PLAY_SCOPES",
    "SAVE_SCOPES",
    "SHARED",
    "TASTE_SCOPES",
    "Account",
    "Device",
    "EndpointGone",
    "KeysRefused",
    "Limits",
    "NoActiveDevice",
    "NotAllowed",
    "OwnPlaylist",
    "OwnerNeedsPremium",
    "PremiumNeeded",
    "Refused",
    "SaveUnconfirmed",
    "ScopeMissing",
    "SignInNeeded",
    "SpotifyArtist",
    "SpotifyClient",
    "SpotifyError",
    "SpotifyTrack",
    "TooManyRequests",
    "Unreachable",
]
