"""Answers of servers that speak as OpenAI's, whole or word by word."""

from __future__ import annotations

from typing import Any

from rushes.errors import ServerError
from rushes.readers.base import Words
from rushes.readers.http import Sender


def read_answer(said: Any, where: str) -> tuple[str, str, int]:
    """The words of an answer, what the server calls its model, and tokens altogether.

    Args:
        where: how messages call the server.

    Raises:
        ServerError: there is no answer in it.
    """
    try:
        choice = said["choices"][0]
        text, reason = choice["message"].get("content"), choice.get("finish_reason")
        usage = said.get("usage") or {}
        tokens, model = int(usage.get("total_tokens") or 0), str(said.get("model") or "")
        if isinstance(text, list):
            text = "".join(part["text"] for part in text if part.get("type") == "text")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as exc:
        raise ServerError(
            f"{where} answers with a document that holds no answer",
            hint="is it a server that speaks as OpenAI's, and does its address end in /v1?",
        ) from exc
    if not isinstance(text, str) or not text.strip():
        raise ServerError(
            f"{where} answers with no words (it stopped for: {reason})",
            hint="a model that thinks first may use up its tokens: have the server turn it off",
        )
    return text.strip(), model, tokens


def follow_answer(sender: Sender, url: str, request: dict[str, Any], on_words: Words) -> Any:
    """The same document as of an answer that comes whole; its words are told as they come.

    No ``stream_options`` are sent, which transformers serve refuses: a server that counts tokens of
    a stream only when told to (vLLM) leaves them uncounted.

    Raises:
        ServerError: an error came in the middle, or the stream broke off.
    """
    words: list[str] = []
    last: dict[str, Any] = {}

    def take(piece: Any) -> None:
        if not isinstance(piece, dict) or piece.get("error"):
            told = piece.get("error") if isinstance(piece, dict) else piece
            message = told.get("message") if isinstance(told, dict) else told
            raise ServerError(f"{sender.where} stopped its answer: {str(message)[:300]}")
        for name in ("model", "usage"):
            last[name] = piece.get(name) or last.get(name)
        for choice in (piece.get("choices") or [])[:1]:
            text = (choice.get("delta") or {}).get("content")
            last["reason"] = choice.get("finish_reason") or last.get("reason")
            if isinstance(text, str) and text:
                on_words(text if words else text.lstrip())
                words.append(text)

    whole = sender.follow(url, {**request, "stream": True}, take)
    if whole is not None:
        on_words(read_answer(whole, sender.where)[0])
        return whole
    if last.get("reason") is None:
        raise ServerError(f"{sender.where} stopped in the middle of its answer", hint="ask again")
    choice = {"message": {"content": "".join(words)}, "finish_reason": last["reason"]}
    return {"choices": [choice], "model": last.get("model"), "usage": last.get("usage")}
