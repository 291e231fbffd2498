# Run once, before the image is taken: the modules that most programs import.
import importlib.machinery


def exec_module(self, module, exec_module=importlib.machinery.SourcelessFileLoader.exec_module):
    # A module of the library is called what it would be if its source were there: frames are, too.
    if self.path.startswith("/usr/lib/python3.13/"):
        module.__file__ = self.path[:-1]
    exec_module(self, module)


# A part of the import system, which warnings and tracebacks pass over.
exec_module.__code__ = exec_module.__code__.replace(
    co_filename=importlib.machinery.SourcelessFileLoader.get_code.__code__.co_filename)
importlib.machinery.SourcelessFileLoader.exec_module = exec_module
del exec_module
import abc, argparse, ast, base64, bisect, calendar, codecs, collections, collections.abc, contextlib, copy
import csv, dataclasses, datetime, decimal, difflib, enum, errno, fnmatch, fractions, functools, getopt, glob
import hashlib, heapq, html, inspect, io, itertools, json, keyword, linecache, locale, logging, math, operator
import os, pathlib, pprint, queue, random, re, runpy, shlex, shutil, signal, site, stat, statistics, string
import struct, subprocess, sys, tempfile, textwrap, threading, time, token, tokenize, traceback, types, typing
import unicodedata, urllib.parse, uuid, warnings, weakref, zlib
import encodings.ascii, encodings.latin_1, encodings.utf_8, encodings.utf_8_sig, encodings.idna
import importlib.util, importlib.machinery, importlib.resources
import _strptime, pwd, grp, select, selectors, _posixsubprocess, _wasmsh

# Caches that the first use would fill.
re.compile(r"\d+")
json.loads(json.dumps({"a": [1, 2.5, None, True, "b"]}))
datetime.datetime.strptime("2025-01-01", "%Y-%m-%d")
argparse.ArgumentParser().format_help()
re.purge()
sys.path_importer_cache.clear()
